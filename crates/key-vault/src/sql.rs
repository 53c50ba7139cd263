//! Every statement of this crate.

/// A recording has one key for each scheme, class and period: a second one of these changes nothing.
pub(crate) const INSERT_KEY: &str =
    "INSERT INTO content_key (tenant_id, key_id, playback_id, scheme, track_class, period,
    wrapped, kek_id, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (tenant_id, playback_id, scheme, track_class, period) DO NOTHING";
pub(crate) const KEYS_FOR: &str = "SELECT key_id, track_class, wrapped, kek_id FROM content_key
    WHERE tenant_id = $1 AND playback_id = $2 AND scheme = $3 AND period = $4 ORDER BY track_class LIMIT $5";
pub(crate) const LICENCE_KEYS: &str = "SELECT key_id, track_class, wrapped, kek_id FROM content_key
    WHERE tenant_id = $1 AND playback_id = $2 AND key_id IN ($3, $4, $5, $6, $7, $8, $9, $10) ORDER BY key_id LIMIT 8";
/// Of one scheme or of several, in all periods.
pub(crate) const KEYS_OF: &str = "SELECT key_id, track_class, wrapped, kek_id FROM content_key
    WHERE tenant_id = $1 AND playback_id = $2 ORDER BY key_id LIMIT $3";
pub(crate) const ANY_KEY: &str = "SELECT key_id FROM content_key WHERE tenant_id = $1 AND playback_id = $2 LIMIT 1";
/// A playback id is nobody else's: it is drawn at random.
pub(crate) const TENANT: &str = "SELECT tenant_id FROM content_key WHERE playback_id = $1 LIMIT 1";
pub(crate) const ERASE_KEYS: &str = "DELETE FROM content_key WHERE tenant_id = $1 AND playback_id = $2";

/// An asset has one data key: a second one changes nothing.
pub(crate) const INSERT_DATA_KEY: &str = "INSERT INTO data_key (tenant_id, asset_id, wrapped, kek_id, created_ms)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, asset_id) DO NOTHING";
pub(crate) const DATA_KEY: &str = "SELECT wrapped, kek_id FROM data_key WHERE tenant_id = $1 AND asset_id = $2";
pub(crate) const ERASE_DATA_KEY: &str = "DELETE FROM data_key WHERE tenant_id = $1 AND asset_id = $2";

pub(crate) const COUNT_BY_KEK: &str = "SELECT kek_id, CAST(SUM(keys) AS BIGINT) FROM
    (SELECT kek_id, COUNT(*) AS keys FROM content_key WHERE kek_id > $1 GROUP BY kek_id
    UNION ALL SELECT kek_id, COUNT(*) AS keys FROM data_key WHERE kek_id > $1 GROUP BY kek_id) AS counted
    GROUP BY kek_id ORDER BY kek_id LIMIT $2";
pub(crate) const CONTENT_KEYS_UNDER: &str = "SELECT tenant_id, key_id, wrapped FROM content_key
    WHERE kek_id = $1 AND (tenant_id, key_id) > ($2, $3) ORDER BY tenant_id, key_id LIMIT $4";
pub(crate) const DATA_KEYS_UNDER: &str = "SELECT tenant_id, asset_id, wrapped FROM data_key
    WHERE kek_id = $1 AND (tenant_id, asset_id) > ($2, $3) ORDER BY tenant_id, asset_id LIMIT $4";
/// Only if nobody else has rewrapped it meanwhile.
pub(crate) const SAVE_REWRAPPED: &str = "UPDATE content_key SET wrapped = $4, kek_id = $5
    WHERE tenant_id = $1 AND key_id = $2 AND kek_id = $3";
/// The same of a data key.
pub(crate) const SAVE_REWRAPPED_DATA_KEY: &str = "UPDATE data_key SET wrapped = $4, kek_id = $5
    WHERE tenant_id = $1 AND asset_id = $2 AND kek_id = $3";

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[
    INSERT_KEY,
    KEYS_FOR,
    LICENCE_KEYS,
    KEYS_OF,
    ANY_KEY,
    TENANT,
    ERASE_KEYS,
    INSERT_DATA_KEY,
    DATA_KEY,
    ERASE_DATA_KEY,
    COUNT_BY_KEK,
    CONTENT_KEYS_UNDER,
    DATA_KEYS_UNDER,
    SAVE_REWRAPPED,
    SAVE_REWRAPPED_DATA_KEY,
];
