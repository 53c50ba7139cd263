//! Reaching the presentation at all.

rules! {
    FETCH Error "input.fetch" "RFC 9110 §15, by way of RFC 8216bis §6.3.1 and ISO/IEC 23009-1 §A.7"
        "every listed resource can be fetched" "upload the missing object or take it out of the list"
    LIMIT Warning "input.limit" "this linter, Options"
        "the presentation is small enough to be checked whole" "raise the limits, or lint its parts"
    UNKNOWN Error "input.unknown" "RFC 8216bis §4, ISO/IEC 23009-1 §5.2.1, ISO/IEC 14496-12 §4.3"
        "the root is a playlist, a manifest or a CMAF file" "give the address of a .m3u8, .mpd or .mp4 itself"
    URI Error "input.uri" "RFC 3986 §4.1"
        "every reference is a valid URI reference" "percent-encode spaces and other characters that are not allowed"
}
