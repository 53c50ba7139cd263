//! The codes of what a gateway refuses.

kernel::problem_codes! {
    /// Every code of the gateway.
    pub(crate) ALL:
    GATEWAY_LOOP = "gateway.loop",
        "The request came round to the gateway that had taken it on.",
        "correct `--upstream`, or LECTERN_UPSTREAM: a unit's address is that of its own process, never the gateway's";
    GATEWAY_UNIT_AWAY = "gateway.unit_away",
        "The unit with this address cannot be reached. Others are not concerned.",
        "repeat the request after the seconds in Retry-After; GET /api/v1/units tells how each unit is";
    GATEWAY_UNIT_BROKEN = "gateway.unit_broken",
        "The unit with this address broke off before it answered, or what it sent was no answer. It may have done what it was asked.",
        "repeat the request after the seconds in Retry-After; with an `Idempotency-Key` nothing is done twice";
    GATEWAY_UNIT_BUSY = "gateway.unit_busy",
        "The unit with this address has as many requests under way as it may, or the gateway as many tunnels.",
        "repeat the request after the seconds in Retry-After";
    GATEWAY_UNIT_SILENT = "gateway.unit_silent",
        "The unit with this address took the request and did not answer in time. It may have done what it was asked.",
        "look whether it has; with an `Idempotency-Key` the request can be repeated";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
