//! A page that never grows longer than it may.

/// A page of at most so many bytes.
pub(super) struct Page {
    text: String,
    lines: usize,
    most: usize,
    /// What a fold that is open needs to be closed.
    reserved: usize,
}

impl Page {
    pub(super) fn new(most: usize) -> Self {
        Self { text: String::new(), lines: 0, most, reserved: 0 }
    }

    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// Lines that are bounded by how they are made, for which the end of the page has room.
    pub(super) fn must(&mut self, lines: &[String]) {
        for line in lines {
            self.text.push_str(line);
            self.text.push('\n');
            self.lines += 1;
        }
    }

    /// Lines if they fit; whether they did.
    pub(super) fn may(&mut self, lines: &[String]) -> bool {
        let fits = self.text.len() + bytes(lines) + self.reserved <= self.most;
        if fits {
            self.must(lines);
        }
        fits
    }

    /// Opens a fold, if there is room for it and its end.
    pub(super) fn reserve(&mut self, begin: &[String], end: &[String]) -> bool {
        self.reserved = bytes(end);
        let opened = self.may(begin);
        if !opened {
            self.reserved = 0;
        }
        opened
    }

    /// Closes the fold.
    pub(super) fn close(&mut self, end: &[String]) {
        self.reserved = 0;
        self.must(end);
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

fn bytes(lines: &[String]) -> usize {
    lines.iter().map(|line| line.len() + 1).sum()
}
