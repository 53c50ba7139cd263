//! Examples of Web Authentication's own.

/// Client data, attestation objects and authenticator data.
pub(crate) fn passkeys() -> Vec<Vec<u8>> {
    let examples = include_str!("../../../../../crates/webauthn/tests/vectors.json");
    let wanted = ["create_client_data", "attestation_object", "get_client_data", "authenticator_data"];
    let seeds = examples.lines().filter_map(|line| {
        let (name, bytes) = line.trim().strip_prefix('"')?.split_once("\": \"")?;
        let bytes = bytes.trim_end_matches(['"', ',']);
        wanted.contains(&name).then(|| hex::decode(bytes).expect("an example is hexadecimal"))
    });
    seeds.collect()
}
