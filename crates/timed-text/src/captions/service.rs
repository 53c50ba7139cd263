//! A service of digital captions: its windows (CTA-708-E §8).

use super::characters::digital;
use super::log::Said;
use super::window::{Pen, Window};

const WINDOWS: usize = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    windows: [Option<Window>; WINDOWS],
    current: usize,
}

impl Service {
    /// Takes the next code, as [`ServiceCodes`](bitstream::sei::ServiceCodes) has them.
    pub(super) fn code(&mut self, code: u16, parameters: &[u8], at_us: i64, out: &mut Vec<Said>) {
        match (code, parameters) {
            (0x80..=0x87, _) => self.current = usize::from(code & 7),
            (0x88..=0x8c, &[windows]) => self.of_windows(code, windows, at_us, out),
            (0x8f, _) => self.of_windows(0x8c, 0xff, at_us, out),
            (0x98..=0x9f, parameters) => {
                self.current = usize::from(code & 7);
                if let Some(parameters) = parameters.first_chunk() {
                    self.windows[self.current].get_or_insert_default().define(parameters, at_us, out);
                }
            }
            _ => self.of_current(code, parameters, at_us, out),
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<Said>) {
        self.windows.iter_mut().flatten().for_each(|window| window.finish(out));
    }

    /// `ClearWindows` to `DeleteWindows` of those whose bits are set.
    fn of_windows(&mut self, code: u16, windows: u8, at_us: i64, out: &mut Vec<Said>) {
        for (number, place) in self.windows.iter_mut().enumerate() {
            let Some(window) = place.as_mut().filter(|_| windows >> number & 1 == 1) else { continue };
            match code {
                0x88 => window.clear(at_us, out),
                0x89 => window.show(true, at_us, out),
                0x8a => window.show(false, at_us, out),
                0x8b => window.show(!window.is_visible(), at_us, out),
                _ => {
                    window.show(false, at_us, out);
                    *place = None;
                }
            }
        }
    }

    fn of_current(&mut self, code: u16, parameters: &[u8], at_us: i64, out: &mut Vec<Said>) {
        let Some(window) = self.windows[self.current].as_mut() else { return };
        match (code, parameters) {
            (0x08, _) => window.backspace(at_us, out),
            (0x0c, _) => {
                window.clear(at_us, out);
                window.move_to(0, 0);
            }
            (0x0d, _) => window.next_row(at_us, out),
            (0x0e, _) => window.clear_row(at_us, out),
            (0x90, &[_, how]) => window.pen = Pen { italic: how & 0x80 != 0, underline: how & 0x40 != 0 },
            (0x92, &[row, column]) => window.move_to(usize::from(row & 0x0f), usize::from(column & 0x3f)),
            (0x97, &[_, _, how, _]) => window.is_centred = how & 3 == 2,
            _ => {
                if let Some(letter) = digital(code, parameters) {
                    window.put(letter, at_us, out);
                }
            }
        }
    }
}
