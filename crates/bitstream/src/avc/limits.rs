//! Table A-1: how many macroblocks a decoder of a level keeps.

/// `MaxDpbMbs`; `None` for levels that Table A-1 lacks. `level_1b` is level 1b where `level_idc` is 11.
pub(super) fn max_dpb_macroblocks(level: u8, level_1b: bool) -> Option<u32> {
    Some(match level {
        11 if level_1b => 396,
        9 | 10 => 396,
        11 => 900,
        12 | 13 | 20 => 2376,
        21 => 4752,
        22 | 30 => 8100,
        31 => 18_000,
        32 => 20_480,
        40 | 41 => 32_768,
        42 => 34_816,
        50 => 110_400,
        51 | 52 => 184_320,
        60..=62 => 696_320,
        _ => return None,
    })
}
