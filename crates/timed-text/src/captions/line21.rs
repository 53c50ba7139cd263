//! A caption channel of line 21 (CTA-608-E §6 to §8, annexes B and C).

use media_types::TextPlace;

use super::cells::{Block, Cell, Style, seen, text};
use super::characters::{basic, extended, special};
use super::log::{Log, Said};

const ROWS: usize = 15;
const COLUMNS: usize = 32;
/// The rows from here on are the foot of the picture, where players place text that says nothing of its place.
const FOOT: usize = 13;
/// By so many columns a row may be off the middle and be meant to stand there.
const OFF_CENTRE: usize = 2;
/// Rows of preamble address codes, by the low bits of the first byte, with the second byte's bit 5 clear and set (table 53).
const PREAMBLES: [[usize; 2]; 8] = [[10, 10], [0, 1], [2, 3], [11, 12], [13, 14], [4, 5], [6, 7], [8, 9]];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// None was chosen yet, or text mode.
    #[default]
    Text,
    PopOn,
    PaintOn,
    RollUp(usize),
}

#[derive(Clone, Copy, Debug)]
struct Screen([[Cell; COLUMNS]; ROWS]);

impl Default for Screen {
    fn default() -> Self {
        Self([[None; COLUMNS]; ROWS])
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    mode: Mode,
    shown: Screen,
    hidden: Screen,
    row: usize,
    column: usize,
    style: Style,
    log: Log,
}

impl Channel {
    pub(super) fn control(&mut self, first: u8, second: u8, at_us: i64, out: &mut Vec<Said>) {
        match (first, second) {
            (0x14 | 0x15, 0x20..=0x2f) => self.command(second, at_us, out),
            (0x11, 0x20..=0x2f) => {
                // A mid-row code takes the place of a space.
                self.put(' ', at_us, out);
                self.style = Style { italic: second & 0x0e == 0x0e, underline: second & 1 == 1 };
            }
            (0x11, 0x30..=0x3f) => self.put(special(second), at_us, out),
            (0x12 | 0x13, 0x20..=0x3f) => {
                // It takes the place of what stands for it in a decoder that does not know it.
                self.column = self.column.min(COLUMNS).saturating_sub(1);
                self.put(extended(first, second), at_us, out);
            }
            (0x17, 0x21..=0x23) => self.column = (self.column + usize::from(second & 3)).min(COLUMNS - 1),
            (0x10..=0x17, 0x40..=0x7f) => self.preamble(first, second, at_us, out),
            _ => {}
        }
    }

    pub(super) fn characters(&mut self, codes: [u8; 2], at_us: i64, out: &mut Vec<Said>) {
        for letter in codes.into_iter().filter_map(basic) {
            self.put(letter, at_us, out);
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<Said>) {
        self.log.finish(blocks(&self.shown), out);
    }

    fn command(&mut self, code: u8, at_us: i64, out: &mut Vec<Said>) {
        match code {
            0x20 => self.mode = Mode::PopOn,
            0x21 => self.backspace(at_us, out),
            0x24 => self.erase_row(at_us, out),
            0x25..=0x27 => self.roll_up(usize::from(code - 0x23), at_us, out),
            0x29 => {
                self.changes(at_us, out);
                self.mode = Mode::PaintOn;
            }
            0x2a | 0x2b => self.mode = Mode::Text,
            0x2c => {
                self.changes(at_us, out);
                self.shown = Screen::default();
            }
            0x2d => self.carriage_return(at_us, out),
            0x2e => self.hidden = Screen::default(),
            0x2f => {
                self.changes(at_us, out);
                std::mem::swap(&mut self.shown, &mut self.hidden);
                self.mode = Mode::PopOn;
            }
            _ => {}
        }
    }

    /// What is displayed is about to change as a whole.
    fn changes(&mut self, at_us: i64, out: &mut Vec<Said>) {
        self.log.changes(at_us, blocks(&self.shown), out);
    }

    /// The memory that is written to, or `None` in text mode. When it is displayed, it is about to be written to.
    fn written(&mut self, at_us: i64, out: &mut Vec<Said>) -> Option<&mut [Cell; COLUMNS]> {
        match self.mode {
            Mode::Text => return None,
            Mode::PopOn => return self.hidden.0.get_mut(self.row),
            Mode::PaintOn | Mode::RollUp(_) => {}
        }
        if self.shown.0.iter().any(|row| seen(row).is_some()) {
            self.log.grows(at_us, || blocks(&self.shown), out);
        } else {
            self.log.begins(at_us);
        }
        self.shown.0.get_mut(self.row)
    }

    fn put(&mut self, letter: char, at_us: i64, out: &mut Vec<Said>) {
        let (column, style) = (self.column.min(COLUMNS - 1), self.style);
        if let Some(row) = self.written(at_us, out) {
            row[column] = Some((letter, style));
            self.column = column + 1;
        }
    }

    fn backspace(&mut self, at_us: i64, out: &mut Vec<Said>) {
        let column = self.column.saturating_sub(1);
        if let Some(row) = self.written(at_us, out) {
            row[column] = None;
            self.column = column;
        }
    }

    fn erase_row(&mut self, at_us: i64, out: &mut Vec<Said>) {
        let column = self.column.min(COLUMNS);
        if let Some(row) = self.written(at_us, out) {
            row[column..].fill(None);
        }
    }

    fn roll_up(&mut self, rows: usize, at_us: i64, out: &mut Vec<Said>) {
        match self.mode {
            Mode::RollUp(before) if rows >= before => {}
            Mode::RollUp(_) => {
                self.changes(at_us, out);
                let top = (self.row + 1).saturating_sub(rows);
                self.shown.0[..top].fill([None; COLUMNS]);
            }
            _ => {
                self.changes(at_us, out);
                (self.shown, self.hidden) = Default::default();
                (self.row, self.column, self.style) = (ROWS - 1, 0, Style::default());
            }
        }
        self.mode = Mode::RollUp(rows);
    }

    fn carriage_return(&mut self, at_us: i64, out: &mut Vec<Said>) {
        let Mode::RollUp(rows) = self.mode else { return };
        self.changes(at_us, out);
        let (top, base) = ((self.row + 1).saturating_sub(rows), self.row);
        self.shown.0.copy_within(top + 1..=base, top);
        self.shown.0[base] = [None; COLUMNS];
        self.shown.0[..top].fill([None; COLUMNS]);
        (self.column, self.style) = (0, Style::default());
    }

    fn preamble(&mut self, first: u8, second: u8, at_us: i64, out: &mut Vec<Said>) {
        let row = PREAMBLES[usize::from(first & 7)][usize::from(second >> 5 & 1)];
        if let Mode::RollUp(rows) = self.mode
            && row != self.row
        {
            self.changes(at_us, out);
            self.move_base(row, rows);
        }
        let attributes = second >> 1 & 0x0f;
        self.row = row;
        self.column = if attributes >= 8 { usize::from(attributes - 8) * 4 } else { 0 };
        self.style = Style { italic: attributes == 7, underline: second & 1 == 1 };
    }

    /// The rows that roll move along with the lowest of them.
    fn move_base(&mut self, base: usize, rows: usize) {
        let mut moved = Screen::default();
        for above in 0..rows.min(base + 1).min(self.row + 1) {
            moved.0[base - above] = self.shown.0[self.row - above];
        }
        self.shown = moved;
    }
}

/// What is on a screen: rows with more than one empty row between them stand for themselves.
fn blocks(screen: &Screen) -> Vec<Block> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for row in (0..ROWS).filter(|&row| seen(&screen.0[row]).is_some()) {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|&last| row - last <= 2) => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    let rows = |group: &[usize]| group.iter().map(|&row| &screen.0[row][..]).collect::<Vec<_>>();
    let block = |group: Vec<usize>| Block { place: place(&group, &rows(&group)), text: text(rows(&group).into_iter()) };
    groups.into_iter().map(block).collect()
}

/// The grid covers the middle eight tenths of the picture's height and width.
fn place(numbers: &[usize], rows: &[&[Cell]]) -> TextPlace {
    let top = numbers.first().copied().unwrap_or(0);
    let foot = numbers.last().is_some_and(|&last| last >= FOOT);
    let spans = || rows.iter().filter_map(|row| seen(row));
    let centred = spans().all(|(first, end)| first.abs_diff(COLUMNS - end) <= OFF_CENTRE);
    let left = spans().map(|(first, _)| first).min().unwrap_or(0);
    TextPlace {
        top_percent: (!foot).then_some((10 + (top * 80 + ROWS / 2) / ROWS) as u8),
        left_percent: (!centred).then_some((10 + (left * 80 + COLUMNS / 2) / COLUMNS) as u8),
    }
}
