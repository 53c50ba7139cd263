//! How the C library's allocator gives memory back.

/// Blocks of this size and above are mapped one by one, in bytes.
const MAPPED_FROM: libc::c_int = 256 * 1024;
/// Heaps that threads share.
const ARENAS: libc::c_int = 2;

/// Keeps the memory of a session flat however long its source is. Pictures are large, and there are few of them at a time:
/// mapped one by one they leave nothing behind, whereas the allocator's own rule, which learns from what was freed, soon
/// puts them on heaps that decoders and encoders of one range after the other leave full of holes.
pub(crate) fn keep_flat() {
    for (parameter, value) in [(libc::M_MMAP_THRESHOLD, MAPPED_FROM), (libc::M_ARENA_MAX, ARENAS)] {
        // SAFETY: two plain numbers; nothing else runs yet. A refusal changes nothing.
        unsafe { libc::mallopt(parameter, value) };
    }
}
