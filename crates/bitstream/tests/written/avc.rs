//! ITU-T H.264 §7.3.2.1, §7.3.2.2, §7.3.3.

use super::writer::{Random, Writer, Written};

struct Sps {
    separate_planes: bool,
    chroma: bool,
    frame_num_bits: u32,
    poc_type: u32,
    lsb_bits: u32,
    always_zero: bool,
    frames_only: bool,
    width: u32,
    height: u32,
}

struct Pps {
    cabac: bool,
    bottom: bool,
    change_rate: Option<u32>,
    refs: [u32; 2],
    weighted: bool,
    weighted_bi: u32,
    deblocking: bool,
    redundant: bool,
}

/// A sequence and a picture parameter set, and `slices` slices.
pub(crate) fn stream(random: &mut Random, slices: usize) -> Vec<Written> {
    let (sps_id, pps_id) = (random.up_to(31), random.up_to(255));
    let (sps, first) = sps(random, sps_id);
    let (pps, second) = pps(random, &sps, sps_id, pps_id);
    let mut units = vec![first, second];
    units.extend((0..slices).map(|_| slice(random, &sps, &pps, pps_id)));
    units
}

fn sps(random: &mut Random, id: u32) -> (Sps, Written) {
    let mut w = Writer::default();
    w.u(8, 0x67);
    let high = random.yes();
    w.u(24, if high { 0xf4_0033 } else { 0x58_0033 });
    w.ue(id);
    let (mut separate_planes, mut chroma) = (false, true);
    if high {
        let format = w.ue(random.up_to(3));
        separate_planes = format == 3 && w.flag(random.yes());
        chroma = format != 0 && !separate_planes;
        w.ue(0);
        w.ue(0);
        w.flag(false);
        if w.flag(random.rarely(3)) {
            for _ in 0..if format == 3 { 12 } else { 8 } {
                if w.flag(random.yes()) {
                    // Eight steps up, then a scale of 0 that ends the list.
                    (0..8).for_each(|_| w.se(1));
                    w.se(-16);
                }
            }
        }
    }
    let frame_num_bits = w.ue(random.up_to(12)) + 4;
    let poc_type = w.ue(random.up_to(2));
    let (mut lsb_bits, mut always_zero) = (0, false);
    if poc_type == 0 {
        lsb_bits = w.ue(random.up_to(12)) + 4;
    } else if poc_type == 1 {
        always_zero = w.flag(random.yes());
        w.any_se(random, 9);
        w.any_se(random, 9);
        for _ in 0..w.ue(random.up_to(5)) {
            w.any_se(random, 9);
        }
    }
    w.ue(4);
    w.flag(false);
    let (width, height) = (w.ue(random.up_to(60)) + 1, w.ue(random.up_to(30)) + 1);
    let frames_only = w.flag(random.yes());
    if !frames_only {
        w.flag(random.yes());
    }
    w.flag(true);
    w.flag(false);
    w.flag(false);
    let sps =
        Sps { separate_planes, chroma, frame_num_bits, poc_type, lsb_bits, always_zero, frames_only, width, height };
    (sps, w.nal(None))
}

fn pps(random: &mut Random, sps: &Sps, sps_id: u32, id: u32) -> (Pps, Written) {
    let mut w = Writer::default();
    w.u(8, 0x68);
    w.ue(id);
    w.ue(sps_id);
    let (cabac, bottom) = (w.flag(random.yes()), w.flag(random.yes()));
    let groups = w.ue(if random.rarely(3) { random.up_to(6) + 1 } else { 0 }) + 1;
    let mut change_rate = None;
    let units = sps.width * sps.height;
    if groups > 1 {
        match w.ue(random.up_to(6)) {
            0 => (0..groups).for_each(|_| _ = w.ue(random.up_to(units - 1))),
            2 => (1..groups).for_each(|_| {
                w.ue(0);
                w.ue(random.up_to(units - 1));
            }),
            3..=5 => {
                w.flag(random.yes());
                change_rate = Some(w.ue(random.up_to(units - 1)) + 1);
            }
            6 => {
                w.ue(units - 1);
                let width = (groups as f64).log2().ceil() as u32;
                (0..units).for_each(|_| w.u(width, random.up_to(groups - 1)));
            }
            _ => {}
        }
    }
    let refs = [w.ue(random.up_to(6)) + 1, w.ue(random.up_to(6)) + 1];
    let weighted = w.flag(random.yes());
    let weighted_bi = random.up_to(2);
    w.u(2, weighted_bi);
    (0..3).for_each(|_| w.any_se(random, 4));
    let deblocking = w.flag(random.yes());
    w.flag(random.yes());
    let redundant = w.flag(random.rarely(3));
    (Pps { cabac, bottom, change_rate, refs, weighted, weighted_bi, deblocking, redundant }, w.nal(None))
}

fn slice(random: &mut Random, sps: &Sps, pps: &Pps, pps_id: u32) -> Written {
    let mut w = Writer::default();
    let idr = random.rarely(4);
    let ref_idc = if idr { 1 + random.up_to(2) } else { random.up_to(3) };
    w.u(8, ref_idc << 5 | if idr { 5 } else { 1 });
    w.ue(random.up_to(sps.width * sps.height - 1));
    let kind = if idr { 2 } else { random.up_to(4) };
    w.ue(kind + if random.yes() { 5 } else { 0 });
    w.ue(pps_id);
    if sps.separate_planes {
        w.u(2, random.up_to(2));
    }
    w.u(sps.frame_num_bits, if idr { 0 } else { random.up_to(15) });
    let field = !sps.frames_only && w.flag(random.yes());
    if field {
        w.flag(random.yes());
    }
    if idr {
        w.ue(random.up_to(65535));
    }
    if sps.poc_type == 0 {
        w.u(sps.lsb_bits, random.up_to(15));
    }
    let orders = match (sps.poc_type, pps.bottom && !field) {
        (0, true) => 1,
        (1, both) if !sps.always_zero => 1 + u32::from(both),
        _ => 0,
    };
    (0..orders).for_each(|_| w.any_se(random, 70000));
    if pps.redundant {
        w.ue(random.up_to(127));
    }
    if !matches!(kind, 2 | 4) {
        prediction(random, &mut w, sps, pps, kind, field);
    }
    if ref_idc != 0 {
        marking(random, &mut w, idr);
    }
    if pps.cabac && !matches!(kind, 2 | 4) {
        w.ue(random.up_to(2));
    }
    w.any_se(random, 10);
    if kind == 3 {
        w.flag(random.yes());
    }
    if kind >= 3 {
        w.any_se(random, 10);
    }
    if pps.deblocking && w.ue(random.up_to(2)) != 1 {
        w.any_se(random, 6);
        w.any_se(random, 6);
    }
    if let Some(rate) = pps.change_rate {
        let cycles = (sps.width * sps.height).div_ceil(rate);
        w.u(f64::from(cycles + 1).log2().ceil() as u32, random.up_to(cycles));
    }
    let end = w.len();
    w.flags(random, 100);
    w.nal(Some(end))
}

fn prediction(random: &mut Random, w: &mut Writer, sps: &Sps, pps: &Pps, kind: u32, field: bool) {
    let lists = if kind == 1 { 2 } else { 1 };
    if kind == 1 {
        w.flag(random.yes());
    }
    let mut refs = pps.refs;
    if w.flag(random.yes()) {
        refs.iter_mut().take(lists).for_each(|count| *count = w.ue(random.up_to(if field { 31 } else { 15 })) + 1);
    }
    for count in &refs[..lists] {
        if w.flag(random.yes()) {
            for _ in 0..random.up_to(*count) {
                let change = w.ue(random.up_to(2));
                w.ue(random.up_to(if change == 2 { 3 } else { 12 }));
            }
            w.ue(3);
        }
    }
    if if kind == 1 { pps.weighted_bi == 1 } else { pps.weighted } {
        w.ue(random.up_to(7));
        if sps.chroma {
            w.ue(random.up_to(7));
        }
        for _ in 0..refs[..lists].iter().sum() {
            if w.flag(random.rarely(3)) {
                (0..2).for_each(|_| w.any_se(random, 127));
            }
            if sps.chroma && w.flag(random.rarely(3)) {
                (0..4).for_each(|_| w.any_se(random, 127));
            }
        }
    }
}

fn marking(random: &mut Random, w: &mut Writer, idr: bool) {
    if idr {
        w.flags(random, 2);
    } else if w.flag(random.yes()) {
        for _ in 0..random.up_to(3) {
            match w.ue(1 + random.up_to(3)) {
                3 => {
                    w.ue(random.up_to(9));
                    w.ue(random.up_to(2));
                }
                _ => _ = w.ue(random.up_to(2)),
            }
        }
        w.ue(0);
    }
}
