//! What may be done with recordings.

use kernel::Permission;

pub(crate) const ASSET_READ: Permission = Permission::new("asset", "read");
/// Its processing: begun again, gone on with, stopped.
pub(crate) const ASSET_UPDATE: Permission = Permission::new("asset", "update");
pub(crate) const ASSET_DELETE: Permission = Permission::new("asset", "delete");
/// Its source, as it came in.
pub(crate) const ASSET_DOWNLOAD: Permission = Permission::new("asset", "download");
pub(crate) const UPLOAD_CREATE: Permission = Permission::new("upload", "create");
pub(crate) const UPLOAD_READ: Permission = Permission::new("upload", "read");
pub(crate) const UPLOAD_DELETE: Permission = Permission::new("upload", "delete");
/// All that happens to anything of the tenant.
pub(crate) const EVENT_READ: Permission = Permission::new("event", "read");
pub(crate) const JOB_READ: Permission = Permission::new("job", "read");
pub(crate) const JOB_UPDATE: Permission = Permission::new("job", "update");
pub(crate) const LADDER_READ: Permission = Permission::new("ladder", "read");
/// Who may watch what is protected.
pub(crate) const PLAYBACK_TOKEN_CREATE: Permission = Permission::new("playback_token", "create");

pub(crate) const OF_MEDIA: &[Permission] =
    &[ASSET_DELETE, ASSET_DOWNLOAD, ASSET_READ, ASSET_UPDATE, EVENT_READ, UPLOAD_CREATE, UPLOAD_DELETE, UPLOAD_READ];
pub(crate) const OF_PROCESSING: &[Permission] = &[ASSET_READ, ASSET_UPDATE, JOB_READ, JOB_UPDATE, LADDER_READ];
pub(crate) const OF_STREAMING: &[Permission] = &[PLAYBACK_TOKEN_CREATE];
