//! Line 21 data of one field (ANSI/CTA-608-E §8.4, annexes B and F).

/// The two caption channels of a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    /// Channel of the last control code, 0 or 1; `None` before the first and within extended data.
    channel: Option<u8>,
    /// Whether a caption mode was chosen, by channel: not so before any and in text mode.
    captions: [bool; 2],
    text: [bool; 2],
}

impl Field {
    /// Takes the next two bytes.
    pub(super) fn pair(&mut self, data: [u8; 2], second_field: bool) {
        let odd = data.map(|byte| byte.count_ones() % 2 == 1);
        let [first, second] = data.map(|byte| byte & 0x7f);
        match first {
            // A control code with an error in either byte is ignored (§B.2).
            0x10..=0x1f if odd == [true, true] => self.control(first, second),
            // Extended data services go on until another code, their end included (§9.5).
            0x01..=0x0f if second_field && odd[0] => self.channel = None,
            0x20..=0x7f => {
                self.character(first, odd[0]);
                self.character(second, odd[1]);
            }
            _ => {}
        }
    }

    pub(super) fn has_text(&self, channel: u8) -> bool {
        self.text[usize::from(channel & 1)]
    }

    fn control(&mut self, first: u8, second: u8) {
        let channel = first >> 3 & 1;
        self.channel = Some(channel);
        match (first & 0x77, second) {
            // Resume caption loading, roll-up of 2, 3 and 4 rows, resume direct captioning.
            (0x14 | 0x15, 0x20 | 0x25..=0x27 | 0x29) => self.captions[usize::from(channel)] = true,
            // Text restart, resume text display.
            (0x14 | 0x15, 0x2a | 0x2b) => self.captions[usize::from(channel)] = false,
            // Special characters but the transparent space, and both sets of extended ones.
            (0x11, 0x30..=0x38 | 0x3a..=0x3f) | (0x12 | 0x13, 0x20..=0x3f) => self.shown(),
            _ => {}
        }
    }

    fn character(&mut self, byte: u8, odd: bool) {
        if odd && matches!(byte, 0x21..=0x7e) {
            self.shown();
        }
    }

    fn shown(&mut self) {
        if let Some(channel) = self.channel.map(usize::from) {
            self.text[channel] |= self.captions[channel];
        }
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
