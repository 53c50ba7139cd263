//! Codes that change every half minute (RFC 6238), of six digits by HMAC-SHA-1: what every authenticator makes of a secret of 160 bits.
//! Pure.

use kernel::uri::escaped;
use ring::hmac;
use subtle::ConstantTimeEq;

/// RFC 4226 §4, R6.
pub(super) const SECRET_BYTES: usize = 20;
/// Who wants the codes, as authenticators show it.
const ISSUER: &str = "Lectern";
const STEP_MS: i64 = 30_000;
const DIGITS: usize = 6;
/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// RFC 4226 §5.3.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 15);
    let value = tag[at..at + 4].iter().fold(0_u32, |value, byte| (value << 8) | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:0DIGITS$}", value % 1_000_000)
}

/// Whether this has the form of a code.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The step that this is the code of: the one of now, or the one before or after it, since clocks differ (RFC 6238 §5.2). None that is not
/// after `last`, of which a code was taken already.
pub(super) fn step_of(secret: &[u8], text: &str, now_ms: i64, last: i64) -> Option<i64> {
    let now = now_ms.div_euclid(STEP_MS);
    let steps = [now - 1, now, now + 1].map(|step| (step, code(secret, step).as_bytes().ct_eq(text.as_bytes())));
    steps.into_iter().find(|(step, is_it)| *step > last && bool::from(*is_it)).map(|(step, _)| step)
}

/// Without padding, of bytes in fives.
pub(super) fn base32(bytes: &[u8]) -> String {
    let digits = bytes.chunks_exact(5).flat_map(|five| {
        let value = five.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        (0..8).rev().map(move |digit| char::from(BASE32[((value >> (5 * digit)) & 31) as usize]))
    });
    digits.collect()
}

/// What authenticators read out of a picture, or behind a link.
pub(super) fn uri(secret: &str, email: &str) -> String {
    let account = escaped(email);
    format!(
        "otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits={DIGITS}&period=30"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standards() {
        // RFC 4226, appendix D.
        for (step, expected) in (0..).zip(["755224", "287082", "359152", "969429", "338314", "254676", "287922"]) {
            assert_eq!(code(SECRET, step), expected, "{step}");
        }
        // RFC 6238, appendix B, the last six of its eight digits.
        for (time_s, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000_i64, "353130"),
        ] {
            assert_eq!(step_of(SECRET, expected, time_s * 1000, 0), Some(time_s / 30), "{time_s}");
        }
    }

    #[test]
    fn a_code_holds_a_step_around_its_own_and_none_that_was_taken() {
        let (step, now_ms) = (41_152_263, 41_152_263 * STEP_MS + 12_345);
        let of = |step: i64, last: i64| step_of(SECRET, &code(SECRET, step), now_ms, last);
        for (shown, fine) in [(step - 2, false), (step - 1, true), (step, true), (step + 1, true), (step + 2, false)] {
            assert_eq!(of(shown, 0), fine.then_some(shown), "{}", shown - step);
        }
        assert_eq!((of(step, step - 1), of(step, step), of(step - 1, step)), (Some(step), None, None));
        assert_eq!(of(step + 1, step), Some(step + 1));
        for wrong in ["", "000000", "12345", "1234567", " 12345", "12345a"] {
            assert_eq!(step_of(SECRET, wrong, now_ms, 0), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_secret_is_written_as_authenticators_read_it() {
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(&[0xff; 10]), "7777777777777777");
        assert_eq!(
            uri("GEZDGNBV", "o'neil+x@example.com"),
            "otpauth://totp/Lectern:o%27neil%2Bx%40example.com?secret=GEZDGNBV&issuer=Lectern&algorithm=SHA1&digits=6&period=30"
        );
        assert!(is_code("000000") && !is_code("00000") && !is_code("0000000") && !is_code("00000a") && !is_code(""));
    }
}
