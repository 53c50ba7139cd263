//! The characters of line 21 (CTA-608-E §6, tables 49 to 51 and 5 to 10) and of the digital services (CTA-708-E §7.1).

/// 0x30 to 0x3f behind 0x11; the transparent space is none.
const SPECIAL: [char; 16] = ['®', '°', '½', '¿', '™', '¢', '£', '♪', 'à', ' ', 'è', 'â', 'ê', 'î', 'ô', 'û'];

/// 0x20 to 0x3f behind 0x12: Spanish, French and others.
const SPANISH_FRENCH: [char; 32] = [
    'Á', 'É', 'Ó', 'Ú', 'Ü', 'ü', '‘', '¡', '*', '\'', '—', '©', '℠', '•', '“', '”', 'À', 'Â', 'Ç', 'È', 'Ê', 'Ë', 'ë',
    'Î', 'Ï', 'ï', 'Ô', 'Ù', 'ù', 'Û', '«', '»',
];

/// 0x20 to 0x3f behind 0x13: Portuguese, German and Danish.
const PORTUGUESE_GERMAN: [char; 32] = [
    'Ã', 'ã', 'Í', 'Ì', 'ì', 'Ò', 'ò', 'Õ', 'õ', '{', '}', '\\', '^', '_', '|', '~', 'Ä', 'ä', 'Ö', 'ö', 'ß', '¥', '¤',
    '¦', 'Å', 'å', 'Ø', 'ø', '┌', '┐', '└', '┘',
];

/// A basic character of line 21; `None` for what is none.
pub(super) fn basic(code: u8) -> Option<char> {
    Some(match code {
        0x27 => '’',
        0x2a => 'á',
        0x5c => 'é',
        0x5e => 'í',
        0x5f => 'ó',
        0x60 => 'ú',
        0x7b => 'ç',
        0x7c => '÷',
        0x7d => 'Ñ',
        0x7e => 'ñ',
        0x7f => '█',
        0x20..=0x7a => char::from(code),
        _ => return None,
    })
}

/// A special character of line 21, whose second byte is 0x30 to 0x3f.
pub(super) fn special(second: u8) -> char {
    SPECIAL[usize::from(second & 0x0f)]
}

/// A character of one of the extended sets, `first` 0x12 or 0x13, whose second byte is 0x20 to 0x3f.
pub(super) fn extended(first: u8, second: u8) -> char {
    let set = if first == 0x12 { &SPANISH_FRENCH } else { &PORTUGUESE_GERMAN };
    set[usize::from(second & 0x1f)]
}

/// A character of a digital service, by its code as [`ServiceCodes`](bitstream::sei::ServiceCodes) has it.
pub(super) fn digital(code: u16, parameters: &[u8]) -> Option<char> {
    Some(match code {
        0x18 => return char::from_u32(parameters.iter().fold(0, |code, &byte| code << 8 | u32::from(byte))),
        0x7f => '♪',
        0x20..=0x7e | 0xa0..=0xff => char::from(u8::try_from(code).ok()?),
        0x1020 | 0x1021 => '\u{a0}',
        0x1025 => '…',
        0x102a => 'Š',
        0x102c => 'Œ',
        0x1030 => '█',
        0x1031 => '‘',
        0x1032 => '’',
        0x1033 => '“',
        0x1034 => '”',
        0x1035 => '•',
        0x1039 => '™',
        0x103a => 'š',
        0x103c => 'œ',
        0x103d => '℠',
        0x103f => 'Ÿ',
        0x1076 => '⅛',
        0x1077 => '⅜',
        0x1078 => '⅝',
        0x1079 => '⅞',
        0x107a => '│',
        0x107b => '┐',
        0x107c => '└',
        0x107d => '─',
        0x107e => '┘',
        0x107f => '┌',
        _ => return None,
    })
}
