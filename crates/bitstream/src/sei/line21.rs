//! Line 21 data of one field (ANSI/CTA-608-E §8.4, annexes B and F).

/// What two bytes of a field say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line21Code {
    /// A control code of channel 0 or 1 of the field; `first` is without the bit that tells the channel, 0x10 to 0x17.
    Control {
        /// 0 or 1.
        channel: u8,
        /// First byte.
        first: u8,
        /// Second byte.
        second: u8,
    },
    /// Characters of channel 0 or 1 of the field; 0 where there is none, or one with an error.
    Characters {
        /// 0 or 1.
        channel: u8,
        /// Basic characters (table 50).
        codes: [u8; 2],
    },
}

/// Reads the bytes of a field, pair by pair.
#[derive(Clone, Debug, Default)]
pub struct Line21Reader {
    /// Channel of the last control code, 0 or 1; `None` before the first and within extended data.
    channel: Option<u8>,
    /// A control code that was read last: sent once more, it counts once (§8.4).
    said: Option<[u8; 2]>,
}

impl Line21Reader {
    /// Takes the next two bytes with their parity; `None` when they say nothing.
    pub fn pair(&mut self, data: [u8; 2], second_field: bool) -> Option<Line21Code> {
        let odd = data.map(|byte| byte.count_ones() % 2 == 1);
        let [first, second] = data.map(|byte| byte & 0x7f);
        let said = self.said.take();
        match first {
            // A control code with an error in either byte is ignored (§B.2).
            0x10..=0x1f if odd == [true, true] && said != Some([first, second]) => {
                let channel = first >> 3 & 1;
                (self.channel, self.said) = (Some(channel), Some([first, second]));
                Some(Line21Code::Control { channel, first: first & 0x77, second })
            }
            // Extended data services go on until another code, their end included (§9.5).
            0x01..=0x0f if second_field && odd[0] => {
                self.channel = None;
                None
            }
            0x20..=0x7f => {
                let code = |byte: u8, odd: bool| if odd && byte >= 0x20 { byte } else { 0 };
                let codes = [code(first, odd[0]), code(second, odd[1])];
                Some(Line21Code::Characters { channel: self.channel?, codes })
            }
            _ => None,
        }
    }
}

/// Whether the two caption channels of a field carry text.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    reader: Line21Reader,
    /// Whether a caption mode was chosen, by channel: not so before any and in text mode.
    captions: [bool; 2],
    text: [bool; 2],
}

impl Field {
    /// Takes the next two bytes.
    pub(super) fn pair(&mut self, data: [u8; 2], second_field: bool) {
        match self.reader.pair(data, second_field) {
            Some(Line21Code::Control { channel, first, second }) => self.control(channel, first, second),
            Some(Line21Code::Characters { channel, codes }) if codes.iter().any(|code| matches!(code, 0x21..=0x7e)) => {
                self.shown(channel);
            }
            _ => {}
        }
    }

    pub(super) fn has_text(&self, channel: u8) -> bool {
        self.text[usize::from(channel & 1)]
    }

    fn control(&mut self, channel: u8, first: u8, second: u8) {
        match (first, second) {
            // Resume caption loading, roll-up of 2, 3 and 4 rows, resume direct captioning.
            (0x14 | 0x15, 0x20 | 0x25..=0x27 | 0x29) => self.captions[usize::from(channel)] = true,
            // Text restart, resume text display.
            (0x14 | 0x15, 0x2a | 0x2b) => self.captions[usize::from(channel)] = false,
            // Special characters but the transparent space, and both sets of extended ones.
            (0x11, 0x30..=0x38 | 0x3a..=0x3f) | (0x12 | 0x13, 0x20..=0x3f) => self.shown(channel),
            _ => {}
        }
    }

    fn shown(&mut self, channel: u8) {
        self.text[usize::from(channel)] |= self.captions[usize::from(channel)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(byte: u8) -> u8 {
        if byte.count_ones() % 2 == 1 { byte } else { byte | 0x80 }
    }

    /// Feeds codes that get their parity here.
    fn text_of(codes: &[[u8; 2]], second_field: bool) -> [bool; 2] {
        let mut field = Field::default();
        codes.iter().for_each(|code| field.pair(code.map(odd), second_field));
        [field.has_text(0), field.has_text(1)]
    }

    #[test]
    fn text_counts_for_the_channel_of_the_last_control_code() {
        assert_eq!(text_of(&[[0x14, 0x20], [0x14, 0x70], *b"Hi"], false), [true, false]);
        assert_eq!(text_of(&[[0x1c, 0x25], [0x1c, 0x25], *b"Hi"], false), [false, true]);
        assert_eq!(text_of(&[[0x14, 0x29], [0x1c, 0x29], [0x11, 0x37]], false), [true, false]);
    }

    #[test]
    fn spaces_commands_and_text_mode_are_no_captions() {
        assert_eq!(text_of(&[[0x14, 0x20], *b"  ", [0x14, 0x2c], [0x14, 0x2f], [0x11, 0x39]], false), [false; 2]);
        assert_eq!(text_of(&[[0x14, 0x2a], *b"AB"], false), [false; 2]);
        assert_eq!(text_of(&[*b"AB"], false), [false; 2]);
    }

    #[test]
    fn extended_data_is_no_caption_and_captions_resume_after_it() {
        let data = [[0x15, 0x20], [0x01, 0x03], *b"Ti", [0x0f, 0x1d]];
        assert_eq!(text_of(&data, true), [false; 2]);
        let resumed = [&data[..], &[[0x15, 0x20], *b"Hi"]].concat();
        assert_eq!(text_of(&resumed, true), [true, false]);
    }

    #[test]
    fn a_control_code_sent_twice_counts_once() {
        let mut reader = Line21Reader::default();
        let mut read = |code: [u8; 2]| reader.pair(code.map(odd), false);
        let back = Line21Code::Control { channel: 1, first: 0x14, second: 0x21 };
        assert_eq!([read([0x1c, 0x21]), read([0x1c, 0x21]), read([0x1c, 0x21])], [Some(back), None, Some(back)]);
        assert_eq!(read([0, 0]), None);
        assert_eq!(read([0x1c, 0x21]), Some(back), "what lies between says that it is another one");
        assert_eq!(read([b'a', 0]), Some(Line21Code::Characters { channel: 1, codes: [b'a', 0] }));
    }

    #[test]
    fn bytes_of_even_parity_are_ignored() {
        let mut field = Field::default();
        field.pair([0x14, 0x20], false);
        field.pair([odd(b'A'), odd(b'B')], false);
        assert!(!field.has_text(0), "0x14 has even parity");
        field.pair([odd(0x14), odd(0x20)], false);
        field.pair([odd(b'A') ^ 0x80, odd(b'B') ^ 0x80], false);
        assert!(!field.has_text(0));
    }
}
