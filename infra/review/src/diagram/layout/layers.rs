//! Which layer each box stands in.

use super::Line;

/// Each box's layer, counted from 0, and for each line whether it goes left, which only lines of a circle do.
pub(super) fn assign(boxes: usize, lines: &[Line]) -> (Vec<usize>, Vec<bool>) {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    let mut has_way_in = vec![false; boxes];
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.from != line.to) {
        out[line.from].push(at);
        has_way_in[line.to] = true;
    }
    let mut walk =
        Walk { lines, out: &out, state: vec![State::New; boxes], turned: vec![false; lines.len()], done: Vec::new() };
    // First from where events come; what is left is part of circles that nothing leads into.
    let starts = (0..boxes).filter(|at| !has_way_in[*at]).chain(0..boxes);
    starts.for_each(|at| walk.visit(at));
    let Walk { turned, done, .. } = walk;
    let mut right_of: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for (line, turned) in lines.iter().zip(&turned).filter(|(line, _)| line.from != line.to) {
        let (left, right) = if *turned { (line.to, line.from) } else { (line.from, line.to) };
        right_of[left].push(right);
    }
    // A box is done after all that it leads to, so that each stands here before them.
    let mut layers = vec![0; boxes];
    for left in done.iter().rev() {
        for right in &right_of[*left] {
            layers[*right] = layers[*right].max(layers[*left] + 1);
        }
    }
    // What nothing leads into stands next to what it reaches.
    for at in (0..boxes).filter(|at| !has_way_in[*at]) {
        if let Some(nearest) = right_of[at].iter().map(|right| layers[*right]).min() {
            layers[at] = nearest - 1;
        }
    }
    (layers, turned)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

struct Walk<'a> {
    lines: &'a [Line],
    /// The lines that leave each box.
    out: &'a [Vec<usize>],
    state: Vec<State>,
    turned: Vec<bool>,
    /// Boxes, each after all that it leads to.
    done: Vec<usize>,
}

impl Walk<'_> {
    /// Goes through all that a box leads to, without recursion: pictures may be long.
    fn visit(&mut self, start: usize) {
        if self.state[start] != State::New {
            return;
        }
        self.state[start] = State::Open;
        let mut path = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let Some(line) = self.out[*at].get(*next).copied() else {
                self.state[*at] = State::Done;
                self.done.push(*at);
                path.pop();
                continue;
            };
            *next += 1;
            let to = self.lines[line].to;
            match self.state[to] {
                State::New => {
                    self.state[to] = State::Open;
                    path.push((to, 0));
                }
                State::Open => self.turned[line] = true,
                State::Done => {}
            }
        }
    }
}
