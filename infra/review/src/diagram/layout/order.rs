//! In which order items stand within their layer, so that few lines cross.

use super::{Item, Segment};

const SWEEPS: usize = 24;

/// The items of each layer from top to bottom.
pub(super) fn columns(items: &[Item], segments: &[Segment]) -> Vec<Vec<usize>> {
    let layers = items.iter().map(|item| item.layer + 1).max().unwrap_or_default();
    let mut columns = vec![Vec::new(); layers];
    for at in reached(items.len(), segments) {
        columns[items[at].layer].push(at);
    }
    let near = Neighbours::of(items.len(), segments);
    let mut best = (crossings(&columns, &near), columns.clone());
    for sweep in 0..SWEEPS {
        let to_right = sweep % 2 == 0;
        for step in 1..layers {
            let layer = if to_right { step } else { layers - 1 - step };
            let beside = if to_right { layer - 1 } else { layer + 1 };
            sort(&mut columns, layer, beside, if to_right { &near.left } else { &near.right });
        }
        swap(&mut columns, &near);
        let crossed = crossings(&columns, &near);
        if crossed < best.0 {
            best = (crossed, columns.clone());
        }
    }
    best.1
}

/// Items in the order in which they are met when lines are followed, which keeps together what belongs together.
fn reached(items: usize, segments: &[Segment]) -> Vec<usize> {
    let mut met = Vec::new();
    let mut seen = vec![false; items];
    let mut has_way_in = vec![false; items];
    segments.iter().for_each(|(_, right)| has_way_in[*right] = true);
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); items];
    segments.iter().for_each(|(left, right)| out[*left].push(*right));
    for start in (0..items).filter(|at| !has_way_in[*at]) {
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                met.push(at);
                open.extend(out[at].iter().rev());
            }
        }
    }
    met
}

/// Who is beside whom in the next layers.
struct Neighbours {
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
}

impl Neighbours {
    fn of(items: usize, segments: &[Segment]) -> Self {
        let mut all = Self { left: vec![Vec::new(); items], right: vec![Vec::new(); items] };
        for (left, right) in segments {
            all.right[*left].push(*right);
            all.left[*right].push(*left);
        }
        all
    }
}

/// Sorts a layer by the mean place of each item's neighbours in the layer beside it.
#[expect(clippy::cast_precision_loss, reason = "a layer has few items")]
fn sort(columns: &mut [Vec<usize>], layer: usize, beside: usize, near: &[Vec<usize>]) {
    let places = places(&columns[beside]);
    let old = columns[layer].clone();
    let mean = |place: usize, at: usize| {
        let found: Vec<f64> =
            near[at].iter().filter_map(|other| places.get(other)).map(|place| *place as f64).collect();
        if found.is_empty() { place as f64 } else { found.iter().sum::<f64>() / found.len() as f64 }
    };
    let mut keyed: Vec<_> = old.iter().enumerate().map(|(place, at)| (mean(place, *at), place, *at)).collect();
    keyed.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    columns[layer] = keyed.into_iter().map(|(_, _, at)| at).collect();
}

/// Swaps neighbours as long as that takes crossings away.
fn swap(columns: &mut [Vec<usize>], near: &Neighbours) {
    let mut better = true;
    while std::mem::take(&mut better) {
        for layer in 0..columns.len() {
            let before = if layer > 0 { places(&columns[layer - 1]) } else { Default::default() };
            let after = columns.get(layer + 1).map(|next| places(next)).unwrap_or_default();
            for at in 1..columns[layer].len() {
                let (upper, lower) = (columns[layer][at - 1], columns[layer][at]);
                let crossed = |upper: usize, lower: usize| {
                    between(&near.left[upper], &near.left[lower], &before)
                        + between(&near.right[upper], &near.right[lower], &after)
                };
                if crossed(lower, upper) < crossed(upper, lower) {
                    columns[layer].swap(at - 1, at);
                    better = true;
                }
            }
        }
    }
}

type Places = std::collections::HashMap<usize, usize>;

fn places(column: &[usize]) -> Places {
    column.iter().enumerate().map(|(place, at)| (*at, place)).collect()
}

/// How often the lines of an item cross those of one below it.
fn between(upper: &[usize], lower: &[usize], places: &Places) -> usize {
    let place = |at: &usize| places.get(at).copied().unwrap_or_default();
    upper.iter().map(|one| lower.iter().filter(|other| place(one) > place(other)).count()).sum()
}

fn crossings(columns: &[Vec<usize>], near: &Neighbours) -> usize {
    let pair = |two: &[Vec<usize>]| {
        let places = places(&two[1]);
        let rows = two[0].iter().enumerate();
        rows.map(|(row, upper)| {
            let below = two[0][row + 1..].iter();
            below.map(|lower| between(&near.right[*upper], &near.right[*lower], &places)).sum::<usize>()
        })
        .sum::<usize>()
    };
    columns.windows(2).map(pair).sum()
}
