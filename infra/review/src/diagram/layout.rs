//! Where the boxes and lines of a picture stand: in layers from left to right, each line going right where it can.
//!
//! Four steps, as Sugiyama, Tagawa and Toda described them: layers so that lines go right, bends where a line passes a
//! layer, an order within each layer with few crossings, and heights that keep lines straight. The same picture always
//! gets the same layout.

#![expect(clippy::indexing_slicing, reason = "each index is one of a list that this module made, and none shrinks")]

mod heights;
mod layers;
mod order;

use std::collections::BTreeMap;

/// Between two columns, for the lines.
const COLUMN_GAP: f64 = 40.0;

/// The width and height of a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A line between two boxes, by their numbers. Lines of one bundle that end at the same box share their way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) bundle: usize,
}

/// A box with its place: `x` and `y` are its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The way of a line: through these points, curved between an odd one and the next, straight between an even one and the
/// next, counted from 1. The first is where it leaves its box, the last where it ends.
pub(super) type Way = Vec<(f64, f64)>;

pub(super) struct Layout {
    pub(super) boxes: Vec<Placed>,
    pub(super) ways: Vec<Way>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What stands in a layer: a box, or the place where lines pass.
#[derive(Clone, Copy)]
struct Item {
    layer: usize,
    height: f64,
    is_bend: bool,
}

/// A part of a line, from an item to one of the next layer.
type Segment = (usize, usize);

/// Places boxes of these sizes.
pub(super) fn place(sizes: &[Size], lines: &[Line]) -> Layout {
    let (layers, turned) = layers::assign(sizes.len(), lines);
    let mut items: Vec<Item> = sizes.iter().zip(&layers).map(|(size, layer)| item(*layer, size.height)).collect();
    let chains = chains(lines, &turned, &mut items);
    let mut segments: Vec<Segment> =
        chains.iter().flat_map(|chain| chain.windows(2).map(|two| (two[0], two[1]))).collect();
    segments.sort_unstable();
    segments.dedup();
    let columns = order::columns(&items, &segments);
    let centres = heights::centres(&items, &segments, &columns);
    let across = across(sizes, &items, &columns);
    let boxes: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(at, size)| {
            let (x, width) = across[items[at].layer];
            Placed { x, y: centres[at] - size.height / 2.0, width, height: size.height }
        })
        .collect();
    let ports = Ports::of(&items, &segments, &columns, &centres);
    let ways = chains.iter().zip(&turned).map(|(chain, turned)| {
        let mut way = way(chain, &items, &across, &centres, &ports);
        if *turned {
            way.reverse();
        }
        way
    });
    let ways = lines
        .iter()
        .zip(ways)
        .map(|(line, way)| if line.from == line.to { loop_above(&boxes[line.from]) } else { way });
    let ways: Vec<Way> = ways.collect();
    let lowest = items.iter().zip(&centres).map(|(item, centre)| centre + item.height / 2.0).fold(0.0, f64::max);
    let width = across.last().map_or(0.0, |(x, width)| x + width);
    Layout { boxes, ways, width, height: lowest }
}

fn item(layer: usize, height: f64) -> Item {
    Item { layer, height, is_bend: false }
}

/// The items that each line passes, from left to right; bends are added to the items.
fn chains(lines: &[Line], turned: &[bool], items: &mut Vec<Item>) -> Vec<Vec<usize>> {
    let mut bends = BTreeMap::new();
    let mut chain = |(line, turned): (&Line, &bool)| {
        let (left, right) = if *turned { (line.to, line.from) } else { (line.from, line.to) };
        let between = (items[left].layer + 1)..items[right].layer;
        let passed: Vec<_> = between
            .map(|layer| {
                // A line that goes back shares its way with nobody: where it ends is on its left.
                let shared = (line.to, line.bundle, layer, if *turned { line.from } else { usize::MAX });
                *bends.entry(shared).or_insert_with(|| {
                    items.push(Item { layer, height: 4.0, is_bend: true });
                    items.len() - 1
                })
            })
            .collect();
        [left].into_iter().chain(passed).chain([right]).collect()
    };
    lines
        .iter()
        .zip(turned)
        .map(|pair| if pair.0.from == pair.0.to { vec![pair.0.from] } else { chain(pair) })
        .collect()
}

/// Each column's left edge and width.
fn across(sizes: &[Size], items: &[Item], columns: &[Vec<usize>]) -> Vec<(f64, f64)> {
    let mut x = 0.0;
    columns
        .iter()
        .map(|column| {
            let widths = column.iter().filter(|at| !items[**at].is_bend).map(|at| sizes[*at].width);
            let width = widths.fold(0.0, f64::max);
            let placed = (x, width);
            x += width + COLUMN_GAP;
            placed
        })
        .collect()
}

/// Where lines leave and reach boxes, so that two do not lie upon each other.
struct Ports(BTreeMap<Segment, (f64, f64)>);

impl Ports {
    fn of(items: &[Item], segments: &[Segment], columns: &[Vec<usize>], centres: &[f64]) -> Self {
        let mut ports: BTreeMap<Segment, (f64, f64)> =
            segments.iter().map(|&(left, right)| ((left, right), (centres[left], centres[right]))).collect();
        for at in columns.iter().flatten().copied().filter(|at| !items[*at].is_bend) {
            let by_height = |mut ends: Vec<usize>| {
                ends.sort_by(|one, other| centres[*one].total_cmp(&centres[*other]));
                ends
            };
            let right = by_height(segments.iter().filter(|(left, _)| *left == at).map(|(_, right)| *right).collect());
            let left = by_height(segments.iter().filter(|(_, right)| *right == at).map(|(left, _)| *left).collect());
            for (number, end) in right.iter().enumerate() {
                if let Some(port) = ports.get_mut(&(at, *end)) {
                    port.0 += beside(number, right.len(), items[at].height);
                }
            }
            for (number, end) in left.iter().enumerate() {
                if let Some(port) = ports.get_mut(&(*end, at)) {
                    port.1 += beside(number, left.len(), items[at].height);
                }
            }
        }
        Self(ports)
    }

    fn of_segment(&self, segment: Segment) -> (f64, f64) {
        self.0.get(&segment).copied().unwrap_or_default()
    }
}

/// How far from the middle of a box's side the line of this number is, of so many.
#[expect(clippy::cast_precision_loss, reason = "a box has few lines")]
fn beside(number: usize, of: usize, height: f64) -> f64 {
    let gap = (height - 16.0) / (of.max(2) - 1) as f64;
    (number as f64 - (of - 1) as f64 / 2.0) * gap.min(11.0)
}

fn way(chain: &[usize], items: &[Item], across: &[(f64, f64)], centres: &[f64], ports: &Ports) -> Way {
    let mut way = Way::new();
    for segment in chain.windows(2) {
        let (left, right) = (segment[0], segment[1]);
        let (from, to) = ports.of_segment((left, right));
        let (x, width) = across[items[left].layer];
        if items[left].is_bend {
            way.push((x, centres[left]));
        }
        way.push((x + width, from));
        way.push((across[items[right].layer].0, to));
    }
    // Each bend was entered at the end of one part, and named again at the beginning of the next.
    way.dedup();
    way
}

/// A line that ends where it begins.
fn loop_above(around: &Placed) -> Way {
    let Placed { x, y, width, .. } = *around;
    vec![(x + width - 34.0, y), (x + width - 34.0, y - 14.0), (x + width - 14.0, y - 14.0), (x + width - 14.0, y)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 100.0, height: 40.0 };

    fn line(from: usize, to: usize) -> Line {
        Line { from, to, bundle: 0 }
    }

    fn overlap(one: &Placed, other: &Placed) -> bool {
        let apart = |a: f64, b: f64, length: f64| b >= a + length;
        !(apart(one.x, other.x, one.width)
            || apart(other.x, one.x, other.width)
            || apart(one.y, other.y, one.height)
            || apart(other.y, one.y, other.height))
    }

    fn check(count: usize, lines: &[Line]) -> Layout {
        let layout = place(&vec![SIZE; count], lines);
        for (at, one) in layout.boxes.iter().enumerate() {
            assert!(one.x >= 0.0 && one.y >= 0.0 && one.x + one.width <= layout.width, "{one:?}");
            assert!(one.y + one.height <= layout.height + 1e-6, "{one:?} {}", layout.height);
            assert!(!layout.boxes[at + 1..].iter().any(|other| overlap(one, other)), "{:?}", layout.boxes);
        }
        layout
    }

    #[test]
    fn a_chain_is_one_straight_line() {
        let layout = check(3, &[line(0, 1), line(1, 2)]);
        assert!(layout.boxes.iter().all(|one| one.y == layout.boxes[0].y));
        assert_eq!(layout.ways[0], [(100.0, 20.0), (140.0, 20.0)]);
    }

    #[test]
    fn a_long_line_passes_beside_the_boxes() {
        let layout = check(3, &[line(0, 1), line(1, 2), line(0, 2)]);
        let (way, middle) = (&layout.ways[2], layout.boxes[1]);
        assert_eq!(way.len(), 4);
        assert!(way[1].1 < middle.y || way[1].1 > middle.y + middle.height, "{way:?} {middle:?}");
        assert_eq!((way[1].0, way[2].0), (middle.x, middle.x + middle.width));
    }

    #[test]
    fn lines_to_one_place_share_their_way() {
        let layout = check(5, &[line(0, 1), line(1, 2), line(2, 3), line(0, 3), line(4, 1), line(4, 3)]);
        assert_eq!(layout.ways[3][1..], layout.ways[5][1..]);
    }

    #[test]
    fn circles_and_loops_have_a_layout_too() {
        let layout = check(3, &[line(0, 1), line(1, 2), line(2, 0), line(1, 1)]);
        let back = &layout.ways[2];
        assert!(back[0].0 > back[back.len() - 1].0, "{back:?}");
        assert_eq!(layout.ways[3].len(), 4);
        check(2, &[line(0, 1), line(1, 0), line(0, 0)]);
        check(0, &[]);
    }

    #[test]
    fn what_nobody_reaches_stands_beside_what_it_reaches() {
        let layout = check(4, &[line(0, 1), line(1, 2), line(3, 2)]);
        assert_eq!(layout.boxes[3].x, layout.boxes[1].x);
    }
}
