//! ITU-T H.265 §7.3.2.2, §7.3.2.3, §7.3.6, §7.3.7.

use super::writer::{Random, Writer, Written};

/// Differences of picture order count with `used_by_curr_pic_flag`, before the picture and behind it, nearest first.
#[derive(Clone, Default)]
struct RefPics {
    before: Vec<(i32, bool)>,
    behind: Vec<(i32, bool)>,
}

struct Sps {
    separate_planes: bool,
    chroma: bool,
    lsb_bits: u32,
    blocks: u32,
    block_rows: u32,
    sao: bool,
    sets: Vec<RefPics>,
    /// `used_by_curr_pic_lt_sps_flag` of the known long-term pictures.
    long_term: Option<Vec<bool>>,
    mvp: bool,
    integer_mv: bool,
    screen: bool,
}

#[derive(Default)]
struct Pps {
    dependent: bool,
    output: bool,
    extra: u32,
    cabac_init: bool,
    refs: [u32; 2],
    slice_chroma_qp: bool,
    weighted: bool,
    weighted_bi: bool,
    entries: bool,
    across: bool,
    deblocking_override: bool,
    deblocking_off: bool,
    modification: bool,
    extension: bool,
    chroma_list: bool,
    current: bool,
    act: bool,
}

/// A sequence and a picture parameter set, and `slices` slice segments.
pub(crate) fn stream(random: &mut Random, slices: usize) -> Vec<Written> {
    let (sps_id, pps_id) = (random.up_to(15), random.up_to(63));
    let (sps, first) = sps(random, sps_id);
    let (pps, second) = pps(random, &sps, sps_id, pps_id);
    let mut units = vec![first, second];
    units.extend((0..slices).map(|_| slice(random, &sps, &pps, pps_id)));
    units
}

fn bits_for(count: u32) -> u32 {
    (0..).find(|&bits| 1u64 << bits >= u64::from(count)).unwrap()
}

fn ref_pics(random: &mut Random, w: &mut Writer, known: &[RefPics], in_slice: bool) -> RefPics {
    if !known.is_empty() && w.flag(random.yes()) {
        return predicted(random, w, known, in_slice);
    }
    let counts = [w.ue(random.up_to(3)), w.ue(random.up_to(3))];
    let mut lists = counts.map(|count| {
        let mut delta = 0;
        (0..count)
            .map(|_| {
                delta += w.ue(random.up_to(3)) as i32 + 1;
                (delta, w.flag(random.yes()))
            })
            .collect::<Vec<_>>()
    });
    lists[0].iter_mut().for_each(|entry| entry.0 = -entry.0);
    let [before, behind] = lists;
    RefPics { before, behind }
}

fn predicted(random: &mut Random, w: &mut Writer, known: &[RefPics], in_slice: bool) -> RefPics {
    let back = if in_slice { w.ue(random.up_to(known.len() as u32 - 1)) as usize + 1 } else { 1 };
    let base = &known[known.len() - back];
    let sign = w.flag(random.yes());
    let shift = w.ue(random.up_to(4)) as i32 + 1;
    let shift = if sign { -shift } else { shift };
    let mut all = Vec::new();
    for delta in base.before.iter().chain(&base.behind).map(|entry| entry.0).chain([0]) {
        let used = w.flag(random.yes());
        if used || w.flag(random.yes()) {
            all.push((delta + shift, used));
        }
    }
    all.sort_unstable();
    RefPics {
        before: all.iter().rev().filter(|entry| entry.0 < 0).copied().collect(),
        behind: all.iter().filter(|entry| entry.0 > 0).copied().collect(),
    }
}

fn sps(random: &mut Random, id: u32) -> (Sps, Written) {
    let mut w = Writer::default();
    w.u(16, 0x4201);
    let sublayers_minus1 = random.up_to(2);
    w.u(4, 0);
    w.u(3, sublayers_minus1);
    w.flag(true);
    w.u(8, 4);
    w.u(32, 0x0800_0000);
    w.u(32, 0x9000_0000);
    w.u(16, 0);
    w.u(8, 153);
    let present: Vec<_> = (0..sublayers_minus1).map(|_| (w.flag(random.yes()), w.flag(random.yes()))).collect();
    if sublayers_minus1 > 0 {
        w.u(2 * (8 - sublayers_minus1), 0);
    }
    for (profile, level) in present {
        if profile {
            [32, 32, 24].into_iter().for_each(|width| w.u(width, 0));
        }
        if level {
            w.u(8, 120);
        }
    }
    w.ue(id);
    let format = w.ue(random.up_to(3));
    let separate_planes = format == 3 && w.flag(random.yes());
    let (width, height) = (8 * (random.up_to(60) + 2), 8 * (random.up_to(30) + 2));
    w.ue(width);
    w.ue(height);
    w.flag(false);
    w.ue(0);
    w.ue(0);
    let lsb_bits = w.ue(random.up_to(12)) + 4;
    w.flag(false);
    [8, 2, 0].into_iter().for_each(|value| _ = w.ue(value));
    let block = 3 + w.ue(0) + w.ue(1 + random.up_to(2));
    [0, 1, 1, 1].into_iter().for_each(|value| _ = w.ue(value));
    w.flag(false);
    w.flag(true);
    let sao = w.flag(random.yes());
    if w.flag(random.rarely(3)) {
        w.u(8, 0x77);
        w.ue(0);
        w.ue(0);
        w.flag(true);
    }
    let mut sets = Vec::new();
    for _ in 0..w.ue(random.up_to(8)) {
        let set = ref_pics(random, &mut w, &sets, false);
        sets.push(set);
    }
    let long_term = w.flag(random.yes()).then(|| {
        let count = w.ue(random.up_to(4));
        (0..count)
            .map(|_| {
                w.u(lsb_bits, random.up_to(15));
                w.flag(random.yes())
            })
            .collect()
    });
    let mvp = w.flag(random.yes());
    w.flag(false);
    if w.flag(random.yes()) {
        vui(random, &mut w, sublayers_minus1);
    }
    let (mut integer_mv, mut screen) = (false, false);
    if w.flag(random.yes()) {
        let range = w.flag(random.yes());
        w.u(2, 0);
        screen = w.flag(random.yes());
        w.u(4, 0);
        if range {
            w.u(9, 0);
        }
        if screen {
            w.flag(true);
            if w.flag(random.yes()) {
                w.ue(31);
                w.ue(32);
                if w.flag(random.yes()) {
                    let count = w.ue(random.up_to(5)) + 1;
                    (0..count * if format == 0 { 1 } else { 3 }).for_each(|_| w.u(8, 90));
                }
            }
            let resolution = random.up_to(2);
            w.u(2, resolution);
            integer_mv = resolution == 2;
            w.flag(false);
        }
    }
    let block_rows = height.div_ceil(1 << block);
    let blocks = width.div_ceil(1 << block) * block_rows;
    let chroma = format != 0 && !separate_planes;
    (
        Sps { separate_planes, chroma, lsb_bits, blocks, block_rows, sao, sets, long_term, mvp, integer_mv, screen },
        w.nal(None),
    )
}

fn vui(random: &mut Random, w: &mut Writer, sublayers_minus1: u32) {
    w.u(8, 0);
    if w.flag(random.yes()) {
        w.u(32, 1001);
        w.u(32, 30000);
        w.flag(false);
        if w.flag(random.yes()) {
            let (nal, vcl) = (w.flag(random.yes()), w.flag(random.yes()));
            let mut sub_pic = false;
            if nal || vcl {
                sub_pic = w.flag(random.yes());
                w.u(if sub_pic { 19 } else { 0 }, 0x1_1111);
                w.u(8, 0x44);
                w.u(if sub_pic { 4 } else { 0 }, 4);
                w.u(15, 0x6318);
            }
            for _ in 0..=sublayers_minus1 {
                let fixed = w.flag(random.yes()) || w.flag(random.yes());
                let mut low_delay = false;
                if fixed {
                    w.ue(0);
                } else {
                    low_delay = w.flag(random.yes());
                }
                let buffers = if low_delay { 1 } else { w.ue(random.up_to(2)) + 1 };
                for _ in 0..buffers * (u32::from(nal) + u32::from(vcl)) {
                    (0..if sub_pic { 4 } else { 2 }).for_each(|at| _ = w.ue(100 + at));
                    w.flag(false);
                }
            }
        }
    }
    if w.flag(random.yes()) {
        w.u(3, 0);
        [0, 2, 1, 15, 15].into_iter().for_each(|value| _ = w.ue(value));
    }
}

fn pps(random: &mut Random, sps: &Sps, sps_id: u32, id: u32) -> (Pps, Written) {
    let mut w = Writer::default();
    let mut pps = Pps::default();
    w.u(16, 0x4401);
    w.ue(id);
    w.ue(sps_id);
    pps.dependent = w.flag(random.yes());
    pps.output = w.flag(random.yes());
    pps.extra = random.up_to(2);
    w.u(3, pps.extra);
    w.flag(true);
    pps.cabac_init = w.flag(random.yes());
    pps.refs = [w.ue(random.up_to(5)) + 1, w.ue(random.up_to(5)) + 1];
    w.any_se(random, 9);
    w.flag(false);
    let transform_skip = w.flag(random.yes());
    if w.flag(random.yes()) {
        w.ue(1);
    }
    w.any_se(random, 9);
    w.any_se(random, 9);
    pps.slice_chroma_qp = w.flag(random.yes());
    // Which list entries are the current picture would decide how many weights there are.
    let screen = sps.screen && random.yes();
    pps.weighted = w.flag(random.yes() && !screen);
    pps.weighted_bi = w.flag(random.yes() && !screen);
    w.flag(false);
    w.flag(false);
    pps.entries = w.flag(random.yes());
    pps.across = w.flag(random.yes());
    if w.flag(random.yes()) {
        pps.deblocking_override = w.flag(random.yes());
        pps.deblocking_off = w.flag(random.yes());
        if !pps.deblocking_off {
            w.any_se(random, 6);
            w.any_se(random, 6);
        }
    }
    w.flag(false);
    pps.modification = w.flag(random.yes());
    w.ue(0);
    pps.extension = w.flag(random.yes());
    let range = random.yes();
    if w.flag(range || screen) {
        w.flag(range);
        w.u(2, 0);
        w.flag(screen);
        w.u(4, 0);
        if range {
            if transform_skip {
                w.ue(0);
            }
            w.flag(false);
            pps.chroma_list = w.flag(random.yes() && sps.chroma);
            if pps.chroma_list {
                w.ue(0);
                for _ in 0..=w.ue(random.up_to(5)) {
                    w.any_se(random, 12);
                    w.any_se(random, 12);
                }
            }
            w.ue(0);
            w.ue(0);
        }
        if screen {
            pps.current = w.flag(random.yes());
            if w.flag(random.yes() && sps.chroma) {
                pps.act = w.flag(random.yes());
                (0..3).for_each(|_| w.any_se(random, 5));
            }
            w.flag(false);
        }
    }
    (pps, w.nal(None))
}

fn slice(random: &mut Random, sps: &Sps, pps: &Pps, pps_id: u32) -> Written {
    let mut w = Writer::default();
    let nal_type = [0, 1, 8, 9, 19, 20, 21, 16][random.up_to(7) as usize];
    w.u(16, nal_type << 9 | 1);
    let first = w.flag(random.yes() || sps.blocks < 2);
    if nal_type >= 16 {
        w.flag(false);
    }
    w.ue(pps_id);
    let mut dependent = false;
    if !first {
        dependent = pps.dependent && w.flag(random.yes());
        w.u(bits_for(sps.blocks), 1 + random.up_to(sps.blocks - 2));
    }
    if !dependent {
        independent(random, &mut w, sps, pps, nal_type);
    }
    if pps.entries {
        let count = w.ue(random.up_to(3.min(sps.block_rows - 1)));
        if count > 0 {
            let width = w.ue(random.up_to(31)) + 1;
            (0..count).for_each(|_| w.u(width, random.up_to(9)));
        }
    }
    if pps.extension {
        let bytes = w.ue(random.up_to(4));
        w.flags(random, 8 * bytes);
    }
    let end = w.len() + 1;
    w.flag(true);
    while w.len() % 8 != 0 {
        w.flag(false);
    }
    w.flags(random, 100);
    w.nal(Some(end))
}

fn independent(random: &mut Random, w: &mut Writer, sps: &Sps, pps: &Pps, nal_type: u32) {
    w.u(pps.extra, 0);
    // An intra random access picture has no other pictures to refer to.
    let kind = w.ue(if nal_type >= 16 && !pps.current { 2 } else { random.up_to(2) });
    if pps.output {
        w.flag(true);
    }
    if sps.separate_planes {
        w.u(2, random.up_to(2));
    }
    let (mut total, mut mvp) = (u32::from(pps.current), false);
    if !matches!(nal_type, 19 | 20) {
        w.u(sps.lsb_bits, random.up_to(15));
        let known = sps.sets.len() as u32;
        let set = if w.flag(known > 0 && random.yes()) {
            let index = random.up_to(known - 1);
            w.u(bits_for(known), index);
            sps.sets[index as usize].clone()
        } else {
            ref_pics(random, w, &sps.sets, true)
        };
        total += set.before.iter().chain(&set.behind).filter(|entry| entry.1).count() as u32;
        if let Some(known) = &sps.long_term {
            total += long_term(random, w, sps, known);
        }
        mvp = sps.mvp && w.flag(random.yes());
    }
    let mut filtered = false;
    if sps.sao {
        filtered = w.flag(random.yes());
        filtered |= sps.chroma && w.flag(random.yes());
    }
    if kind != 2 {
        prediction(random, w, sps, pps, kind == 0, total, mvp);
    }
    w.any_se(random, 9);
    (0..2 * u32::from(pps.slice_chroma_qp) + 3 * u32::from(pps.act)).for_each(|_| w.any_se(random, 2));
    if pps.chroma_list {
        w.flag(random.yes());
    }
    let mut off = pps.deblocking_off;
    if pps.deblocking_override && w.flag(random.yes()) {
        off = w.flag(random.yes());
        if !off {
            w.any_se(random, 6);
            w.any_se(random, 6);
        }
    }
    if pps.across && (filtered || !off) {
        w.flag(random.yes());
    }
}

fn long_term(random: &mut Random, w: &mut Writer, sps: &Sps, known: &[bool]) -> u32 {
    let from_sps = if known.is_empty() { 0 } else { w.ue(random.up_to(1)) };
    let own = w.ue(random.up_to(1));
    let mut used = 0;
    for at in 0..from_sps + own {
        if at < from_sps {
            let index = random.up_to(known.len() as u32 - 1);
            w.u(bits_for(known.len() as u32), index);
            used += u32::from(known[index as usize]);
        } else {
            w.u(sps.lsb_bits, random.up_to(15));
            used += u32::from(w.flag(random.yes()));
        }
        if w.flag(random.yes()) {
            w.ue(random.up_to(3));
        }
    }
    used
}

fn prediction(random: &mut Random, w: &mut Writer, sps: &Sps, pps: &Pps, two_lists: bool, total: u32, mvp: bool) {
    let lists = 1 + usize::from(two_lists);
    let mut refs = pps.refs;
    if w.flag(random.yes()) {
        refs.iter_mut().take(lists).for_each(|count| *count = w.ue(random.up_to(14)) + 1);
    }
    if pps.modification && total > 1 {
        for count in &refs[..lists] {
            if w.flag(random.yes()) {
                (0..*count).for_each(|_| w.u(bits_for(total), random.up_to(total - 1)));
            }
        }
    }
    if two_lists {
        w.flag(random.yes());
    }
    if pps.cabac_init {
        w.flag(random.yes());
    }
    if mvp {
        let list = usize::from(two_lists && !w.flag(random.yes()));
        if refs[list] > 1 {
            w.ue(random.up_to(refs[list] - 1));
        }
    }
    if if two_lists { pps.weighted_bi } else { pps.weighted } {
        w.ue(3);
        if sps.chroma {
            w.any_se(random, 3);
        }
        for &count in &refs[..lists] {
            let luma: Vec<bool> = (0..count).map(|_| w.flag(random.rarely(3))).collect();
            let chroma: Vec<bool> = (0..count).map(|_| sps.chroma && w.flag(random.rarely(3))).collect();
            for (luma, chroma) in luma.into_iter().zip(chroma) {
                (0..2 * u32::from(luma) + 4 * u32::from(chroma)).for_each(|_| w.any_se(random, 60));
            }
        }
    }
    w.ue(random.up_to(4));
    if sps.integer_mv {
        w.flag(random.yes());
    }
}
