//! At which height items stand: each as near to its neighbours as the items above and below it allow.

use super::{Item, Segment};

/// Enough for long lines to become straight: each sweep carries a place one layer further.
const SWEEPS: usize = 300;
/// Between a box and the next.
const BOX_GAP: f64 = 20.0;
/// Between a line that passes and the next item.
const BEND_GAP: f64 = 12.0;

/// The middle of each item; the topmost item begins at 0.
pub(super) fn centres(items: &[Item], segments: &[Segment], columns: &[Vec<usize>]) -> Vec<f64> {
    let mut centres = vec![0.0; items.len()];
    let gaps: Vec<Vec<f64>> = columns.iter().map(|column| offsets(items, column)).collect();
    for (column, offsets) in columns.iter().zip(&gaps) {
        let middle = offsets.last().copied().unwrap_or_default() / 2.0;
        column.iter().zip(offsets).for_each(|(at, offset)| centres[*at] = offset - middle);
    }
    let mut near: Vec<Vec<(usize, f64)>> = vec![Vec::new(); items.len()];
    for (left, right) in segments {
        // A line that passes many layers should be straight before anything else is.
        let weight = match (items[*left].is_bend, items[*right].is_bend) {
            (true, true) => 4.0,
            (false, false) => 2.0,
            _ => 1.0,
        };
        near[*left].push((*right, weight));
        near[*right].push((*left, weight));
    }
    let last = columns.len().saturating_sub(1);
    for sweep in 0..SWEEPS {
        for step in 0..columns.len() {
            let layer = if sweep % 2 == 0 { step } else { last - step };
            let wish = |at: &usize| {
                let weight: f64 = near[*at].iter().map(|(_, weight)| weight).sum();
                let sum: f64 = near[*at].iter().map(|(other, weight)| centres[*other] * weight).sum();
                if weight > 0.0 { (sum / weight, weight) } else { (centres[*at], 0.1) }
            };
            let wishes: Vec<_> = columns[layer].iter().map(wish).collect();
            let settled = nearest(&wishes, &gaps[layer]);
            columns[layer].iter().zip(settled).for_each(|(at, centre)| centres[*at] = centre);
        }
    }
    let top = items.iter().zip(&centres).map(|(item, centre)| centre - item.height / 2.0).fold(f64::INFINITY, f64::min);
    centres.iter().map(|centre| (centre - top).round()).collect()
}

/// How far below the first item of a column each must be.
fn offsets(items: &[Item], column: &[usize]) -> Vec<f64> {
    let mut below = 0.0;
    let mut before: Option<&Item> = None;
    column
        .iter()
        .map(|at| {
            let item = &items[*at];
            if let Some(before) = before {
                let gap = if item.is_bend || before.is_bend { BEND_GAP } else { BOX_GAP };
                below += (before.height + item.height) / 2.0 + gap;
            }
            before = Some(item);
            below
        })
        .collect()
}

/// The places nearest to what is wished, by weighted squares, that keep the distances: neighbours whose wishes collide move
/// together (pool adjacent violators).
fn nearest(wishes: &[(f64, f64)], offsets: &[f64]) -> Vec<f64> {
    // Blocks of (mean, weight, how many), without the distances.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((wish, weight), offset) in wishes.iter().zip(offsets) {
        blocks.push((wish - offset, *weight, 1));
        while let [.., one, other] = blocks.as_slice() {
            if one.0 <= other.0 {
                break;
            }
            let weight = one.1 + other.1;
            let joined = ((one.0 * one.1 + other.0 * other.1) / weight, weight, one.2 + other.2);
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let means = blocks.iter().flat_map(|(mean, _, count)| std::iter::repeat_n(*mean, *count));
    means.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn who_wishes_the_same_place_stands_around_it() {
        assert_eq!(nearest(&[(10.0, 1.0), (10.0, 1.0), (100.0, 1.0)], &[0.0, 20.0, 40.0]), [0.0, 20.0, 100.0]);
    }
}
