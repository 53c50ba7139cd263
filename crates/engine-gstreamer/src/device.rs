//! What a device is called, from what its driver says in files.

use std::fs;
use std::path::Path;

use crate::elements::Family;
use crate::profile::is_word;

/// Whether the kernel has a device of the family; there is always a processor.
pub(crate) fn is_there(family: Family) -> bool {
    node(family).is_none_or(|node| Path::new(node).exists())
}

/// Whether the kernel has any device of a family that is known.
pub fn has_devices() -> bool {
    [Family::Cuda, Family::Va].into_iter().any(is_there)
}

/// What a family's driver opens first.
pub(crate) fn node(family: Family) -> Option<&'static str> {
    match family {
        Family::Cuda => Some("/dev/nvidiactl"),
        Family::Va => Some("/dev/dri/renderD128"),
        Family::Software => None,
    }
}

/// One word that tells one device and driver from another, since other ones give other bytes; `unknown` where nothing is said.
pub(crate) fn name(family: Family) -> String {
    let found = match family {
        Family::Cuda => cuda(),
        Family::Va => render_node(),
        Family::Software => Some("processor".to_owned()),
    };
    found.map(|text| word(&text)).filter(|text| is_word(text)).unwrap_or_else(|| "unknown".to_owned())
}

/// Such as `NVIDIA-H200/570.124.06`.
fn cuda() -> Option<String> {
    let cards = fs::read_dir("/proc/driver/nvidia/gpus").ok()?;
    let mut paths: Vec<_> = cards.flatten().map(|card| card.path().join("information")).collect();
    paths.sort();
    let text = fs::read_to_string(paths.first()?).ok()?;
    let model = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
    let driver = fs::read_to_string("/sys/module/nvidia/version").unwrap_or_default();
    Some(format!("{}/{}", model.trim(), driver.trim()))
}

/// Such as `0x8086-0x9a49`.
fn render_node() -> Option<String> {
    let device = Path::new("/sys/class/drm/renderD128/device");
    let id = |file: &str| fs::read_to_string(device.join(file)).ok().map(|text| text.trim().to_owned());
    Some(format!("{}-{}", id("vendor")?, id("device")?))
}

fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/') { c } else { '-' };
    text.trim_end_matches('/').chars().take(80).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_whatever_a_driver_says() {
        assert_eq!(word("NVIDIA H200 (rev a1)/570.12"), "NVIDIA-H200--rev-a1-/570.12");
        assert!(is_word(&word(&"ä b".repeat(100))));
        assert_eq!(name(Family::Software), "processor");
    }
}
