//! How much memory a round takes, counted where it is asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write as _;

/// Beyond this a round is stopped on the spot, since the machine has to go on.
const HARD_LIMIT: isize = 2 << 30;

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ROUND: Cell<Option<(&'static str, u64)>> = const { Cell::new(None) };
}

/// What one round took at most, all allocations together, in bytes.
pub(super) fn peak_of(target: &'static str, round: u64, run: impl FnOnce()) -> usize {
    LIVE.set(0);
    PEAK.set(0);
    ROUND.set(Some((target, round)));
    run();
    ROUND.set(None);
    PEAK.get().unsigned_abs()
}

/// Whether there may be this much more.
fn count(bytes: isize) -> bool {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    if live > HARD_LIMIT
        && bytes > 0
        && let Some((target, round)) = ROUND.take()
    {
        let _ = writeln!(std::io::stderr(), "{target}: round {round} takes more than {HARD_LIMIT} bytes");
        return false;
    }
    true
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: all is passed on to the system's allocator as it came; a null pointer, which refuses, is allowed.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !count(signed(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: as of the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !count(signed(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: as of the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !count(signed(size) - signed(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: as of the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: as of the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}
