#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn software_elements_pass_the_trial_that_devices_have_to() {
    let mut tried = Vec::new();
    let profile = find(Family::Software, true, &mut tried);
    for Tried { element, outcome } in &tried {
        assert!(outcome.is_ok(), "{element}: {outcome:?}");
    }
    assert_eq!(tried.len(), 5, "{tried:?}");
    assert_eq!(profile, Some(DeviceProfile::software()));
}
