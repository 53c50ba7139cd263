//! A window of a digital service (CTA-708-E §8.4, §8.10.5).

use media_types::TextPlace;

use super::cells::{Block, Cell, seen, text};
use super::log::{Log, Said};

pub(super) use super::cells::Style as Pen;

/// Rows and columns of the largest window.
const ROWS: usize = 16;
const COLUMNS: usize = 64;
/// Heights of rows in hundredths of the picture, as on a grid of 15 in its middle eight tenths.
const ROW_PERCENT: u32 = 5;

#[derive(Clone, Debug)]
pub(super) struct Window {
    visible: bool,
    rows: usize,
    row: usize,
    column: usize,
    cells: Vec<[Cell; COLUMNS]>,
    anchor: Anchor,
    pub(super) pen: Pen,
    pub(super) is_centred: bool,
    log: Log,
}

/// A point of the window and where it lies, in hundredths of the safe area.
#[derive(Clone, Copy, Debug, Default)]
struct Anchor {
    /// 0 to 8, row by row from the upper left.
    point: u8,
    vertical: u32,
    horizontal: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            visible: false,
            rows: 1,
            row: 0,
            column: 0,
            cells: vec![[None; COLUMNS]; ROWS],
            anchor: Anchor::default(),
            pen: Pen::default(),
            is_centred: false,
            log: Log::default(),
        }
    }
}

impl Window {
    /// `DefineWindow`. A window that is there keeps its text: the command is repeated for those who tune in.
    pub(super) fn define(&mut self, parameters: &[u8; 6], at_us: i64, out: &mut Vec<Said>) {
        let &[flags, vertical, horizontal, point, _, style] = parameters;
        let (relative, vertical, horizontal) =
            (vertical & 0x80 != 0, u32::from(vertical & 0x7f), u32::from(horizontal));
        // 75 rows by 210 columns of a picture that is wide.
        let share = |steps: u32, of: u32| if relative { steps.min(100) } else { (steps * 100 / of).min(100) };
        let (visible, rows) = (flags & 0x20 != 0, usize::from(point & 0x0f) + 1);
        if visible != self.visible || rows < self.rows {
            self.show(visible, at_us, out);
        }
        self.anchor =
            Anchor { point: (point >> 4).min(8), vertical: share(vertical, 75), horizontal: share(horizontal, 210) };
        self.rows = rows;
        self.row = self.row.min(rows - 1);
        self.cells[rows..].fill([None; COLUMNS]);
        if style >> 3 & 7 != 0 {
            self.is_centred = matches!(style >> 3 & 7, 3 | 6);
        }
    }

    pub(super) fn is_visible(&self) -> bool {
        self.visible
    }

    pub(super) fn show(&mut self, visible: bool, at_us: i64, out: &mut Vec<Said>) {
        self.changes(at_us, out);
        self.visible = visible;
    }

    pub(super) fn clear(&mut self, at_us: i64, out: &mut Vec<Said>) {
        self.changes(at_us, out);
        self.cells.fill([None; COLUMNS]);
    }

    pub(super) fn clear_row(&mut self, at_us: i64, out: &mut Vec<Said>) {
        self.changes(at_us, out);
        self.cells[self.row] = [None; COLUMNS];
        self.column = 0;
    }

    pub(super) fn move_to(&mut self, row: usize, column: usize) {
        (self.row, self.column) = (row.min(self.rows - 1), column.min(COLUMNS - 1));
    }

    pub(super) fn next_row(&mut self, at_us: i64, out: &mut Vec<Said>) {
        self.column = 0;
        if self.row + 1 < self.rows {
            self.row += 1;
        } else {
            self.changes(at_us, out);
            self.cells.copy_within(1..self.rows, 0);
            self.cells[self.row] = [None; COLUMNS];
        }
    }

    pub(super) fn put(&mut self, letter: char, at_us: i64, out: &mut Vec<Said>) {
        self.grows(at_us, out);
        let column = self.column.min(COLUMNS - 1);
        self.cells[self.row][column] = Some((letter, self.pen));
        self.column = column + 1;
    }

    pub(super) fn backspace(&mut self, at_us: i64, out: &mut Vec<Said>) {
        self.grows(at_us, out);
        self.column = self.column.saturating_sub(1);
        self.cells[self.row][self.column] = None;
    }

    pub(super) fn finish(&mut self, out: &mut Vec<Said>) {
        self.log.finish(self.blocks(), out);
    }

    fn changes(&mut self, at_us: i64, out: &mut Vec<Said>) {
        self.log.changes(at_us, self.blocks(), out);
    }

    fn grows(&mut self, at_us: i64, out: &mut Vec<Said>) {
        let mut log = self.log;
        if self.visible && self.cells.iter().any(|row| seen(row).is_some()) {
            log.grows(at_us, || self.blocks(), out);
        } else {
            log.begins(at_us);
        }
        self.log = log;
    }

    /// All that is seen of it, as one.
    fn blocks(&self) -> Vec<Block> {
        let said = if self.visible { text(self.cells.iter().map(|row| &row[..])) } else { String::new() };
        if said.is_empty() { Vec::new() } else { vec![Block { place: self.place(), text: said }] }
    }

    fn place(&self) -> TextPlace {
        let (down, along) = (self.anchor.point / 3, self.anchor.point % 3);
        // The safe area is the middle eight tenths of the picture.
        let (vertical, horizontal) = (10 + self.anchor.vertical * 8 / 10, 10 + self.anchor.horizontal * 8 / 10);
        let height = self.rows as u32 * ROW_PERCENT;
        let top = vertical.saturating_sub([0, height / 2, height][usize::from(down)]);
        let centred = self.is_centred || along == 1;
        // Of a window that hangs on its right edge it is not known how wide it is.
        let left = (!centred && along == 0).then_some(horizontal as u8);
        TextPlace { top_percent: (top + height < 70).then_some(top as u8), left_percent: left }
    }
}
