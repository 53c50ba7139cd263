//! Which crate may depend on which: strictly lower layers, adapters never on one another, and foreign crates only
//! behind the one wall that is theirs.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Foreign crates (by prefix) and the only members that may name them.
const WALLS: &[(&str, &[&str])] = &[
    ("ffmpeg-", &["engine-libav"]),
    ("gstreamer", &["engine-gstreamer"]),
    ("aws-", &["media-store"]),
    ("apalis", &["job-queue"]),
    ("sqlx", &["database"]),
    ("m3u8-rs", &["packager", "acceptance"]),
    ("dash-mpd", &["packager"]),
    ("mp4-atom", &["packager"]),
    ("hyper-rustls", &["http-client"]),
    ("rustls", &["http-client"]),
    ("tokio-rustls", &["http-client", "origin-server"]),
    ("landlock", &["lectern-engine"]),
    ("seccompiler", &["lectern-engine"]),
    ("aes-gcm", &["drm"]),
    ("opentelemetry", &["telemetry"]),
    ("tracing-opentelemetry", &["telemetry"]),
    ("unleash-", &["ops"]),
    ("argon2", &["identity"]),
    ("lettre", &["postbox"]),
    ("fluent", &["postbox"]),
    ("async-nats", &["bridge"]),
    ("lapin", &["bridge"]),
    ("rskafka", &["bridge"]),
    ("hickory-", &["identity"]),
];

/// Members that may never see certain other members, beyond what layers say.
const NEVER: &[(&str, &[&str])] = &[
    ("origin-server", &["database", "job-queue", "asset-store", "key-vault", "kernel"]),
    ("control-api", &["packager", "pipeline", "engine-host", "engine-libav", "engine-gstreamer"]),
    ("kernel", &["packager", "pipeline", "engine-host", "engine-libav", "engine-gstreamer", "key-vault"]),
    ("bridge", &["packager", "pipeline", "engine-host", "engine-libav", "engine-gstreamer", "key-vault"]),
    ("identity", &["packager", "pipeline", "engine-host", "engine-libav", "engine-gstreamer", "key-vault"]),
    ("ops", &["packager", "pipeline", "engine-host", "engine-libav", "engine-gstreamer", "key-vault"]),
    ("webhook", &["packager", "pipeline", "engine-host", "engine-libav", "engine-gstreamer", "key-vault"]),
    ("lectern", &["engine-libav", "engine-gstreamer"]),
];

/// In layers 0 to 2: nothing that reads a clock, a file or a socket.
const IMPURE: &[&str] = &["tokio", "sqlx", "axum", "hyper", "rustix", "libc", "tempfile", "uuid"];

pub(crate) fn check() -> Result<Vec<String>, String> {
    let metadata = MetadataCommand::new().no_deps().exec().map_err(|error| error.to_string())?;
    let mut layers = BTreeMap::new();
    let mut faults = Vec::new();
    for package in members(&metadata) {
        match package.metadata.get("layer").and_then(serde_json::Value::as_u64) {
            Some(layer) => drop(layers.insert(package.name.to_string(), layer)),
            None => faults.push(format!("{}: add `layer = N` under [package.metadata]", package.name)),
        }
        let folder = package.manifest_path.parent().and_then(|folder| folder.file_name());
        if folder != Some(package.name.as_str()) {
            faults.push(format!("{}: its folder is named otherwise", package.name));
        }
    }
    for package in members(&metadata) {
        check_package(package, &layers, &mut faults);
    }
    Ok(faults)
}

fn members(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id))
}

fn check_package(package: &Package, layers: &BTreeMap<String, u64>, faults: &mut Vec<String>) {
    let name = package.name.as_str();
    let Some(&layer) = layers.get(name) else { return };
    for dependency in &package.dependencies {
        let other = dependency.name.as_str();
        let for_tests = dependency.kind == DependencyKind::Development;
        if let Some(&lower) = layers.get(other) {
            if lower >= layer {
                faults.push(format!(
                    "{name} (layer {layer}) depends on {other} (layer {lower}); only lower layers are allowed"
                ));
            }
            if NEVER.iter().any(|(from, to)| *from == name && to.contains(&other)) {
                faults.push(format!("{name} must not see {other}"));
            }
        }
        if let Some((_, allowed)) = WALLS.iter().find(|(prefix, _)| other.starts_with(prefix))
            && !allowed.contains(&name)
        {
            faults.push(format!("{name} depends on {other}, which only {} may", allowed.join(", ")));
        }
        if layer <= 2 && !for_tests && IMPURE.contains(&other) {
            faults.push(format!("{name} is a pure crate (layer {layer}) and depends on {other}"));
        }
    }
}
