//! Every migration of every module, in the order they are applied.
//!
//! A new file under `migrations/<module>/` is one line at the end of [`MIGRATIONS`]; an applied file never changes.

/// One file of `migrations/`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The folder it lies in.
    pub module: &'static str,
    /// `<UTC timestamp>_<unit>_<what>`.
    pub name: &'static str,
    /// Statements in PostgreSQL's spelling that SQLite takes too.
    pub sql: &'static str,
}

macro_rules! migration {
    ($module:literal, $name:literal) => {
        Migration {
            module: $module,
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $module, "/", $name, ".sql")),
        }
    };
}

/// All of them. Append only.
pub const MIGRATIONS: &[Migration] = &[
    migration!("core", "20260101000000_outbox_create"),
    migration!("core", "20260101000100_idempotency_create"),
    migration!("queue", "20260101000200_job_create"),
    migration!("assets", "20260101000300_asset_create"),
    migration!("assets", "20260101000400_upload_create"),
    migration!("keys", "20260101000500_content_key_create"),
    migration!("assets", "20260101000600_asset_protection"),
    migration!("keys", "20260101000700_data_key_create"),
    migration!("queue", "20261122123000_job_making"),
    migration!("assets", "20261122123100_asset_renewal"),
    migration!("queue", "20261122204500_queue_share"),
    migration!("webhook", "20261122233000_webhook_create"),
    migration!("queue", "20261122233000_job_trace"),
    migration!("queue", "20261123001000_queue_drain"),
    migration!("assets", "20261123002000_admission_limit"),
    migration!("queue", "20261123002100_queue_usage"),
    migration!("queue", "20261123030000_queue_cost"),
    migration!("queue", "20261123031000_queue_capability"),
    migration!("queue", "20261123061500_job_result_key"),
    migration!("ops", "20261123062000_flag_create"),
    migration!("core", "20261123101500_audit_transit_create"),
    migration!("ops", "20261123101600_audit_log_create"),
    migration!("keys", "20261123114000_content_key_by_playback"),
    migration!("identity", "20261123114100_org_tenant_create"),
    migration!("identity", "20261123114200_auth_api_key_create"),
    migration!("identity", "20261123140000_user_account_create"),
    migration!("identity", "20261123140100_auth_session_create"),
    migration!("core", "20261123150000_unit_maintenance_create"),
    migration!("identity", "20261123170000_auth_factor_create"),
    migration!("identity", "20261123171500_rbac_role_create"),
    migration!("identity", "20261123173000_user_directory"),
    migration!("identity", "20261123183000_auth_oidc_create"),
    migration!("ops", "20261124000100_flag_request_create"),
    migration!("ops", "20261124000101_flag_key_create"),
    migration!("ops", "20261124000102_flag_experiment_create"),
    migration!("core", "20261124000200_audit_transit_change"),
    migration!("ops", "20261124000201_audit_person"),
    migration!("ops", "20261124000202_audit_keeping"),
    migration!("ops", "20261124000203_audit_stream"),
    migration!("ops", "20261124000204_audit_finding"),
    migration!("identity", "20261124000300_org_tree_create"),
    migration!("identity", "20261124000301_org_roll_create"),
    migration!("identity", "20261124000302_org_invitation_create"),
    migration!("core", "20261124000400_letter_create"),
    migration!("identity", "20261124000401_auth_mail_link"),
    migration!("core", "20261124000600_event_reader_create"),
    migration!("identity", "20261124000601_org_person_create"),
    migration!("webhook", "20261124000602_webhook_reader"),
    migration!("identity", "20261124000700_user_rights"),
    migration!("identity", "20261124000701_user_word"),
    migration!("identity", "20261124000702_user_guardian"),
    migration!("identity", "20261124000703_user_field"),
    migration!("webhook", "20261124000704_webhook_delivery_subject"),
    migration!("identity", "20261124000800_auth_provider_create"),
    migration!("identity", "20261124000801_auth_policy_create"),
    migration!("identity", "20261124000802_auth_client_permission"),
    migration!("identity", "20261124000803_auth_impersonation"),
    migration!("identity", "20261124000804_auth_backchannel_create"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_and_the_folder_hold_the_same_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut on_disk = BTreeSet::new();
        for module in std::fs::read_dir(folder).unwrap() {
            let module = module.unwrap();
            for file in std::fs::read_dir(module.path()).unwrap() {
                let file = file.unwrap().file_name().into_string().unwrap();
                on_disk.insert(format!("{}/{file}", module.file_name().to_str().unwrap()));
            }
        }
        let listed: BTreeSet<String> = MIGRATIONS.iter().map(|m| format!("{}/{}.sql", m.module, m.name)).collect();
        assert_eq!(listed.len(), MIGRATIONS.len(), "a migration is listed twice");
        assert_eq!(listed, on_disk);
    }

    #[test]
    fn every_name_is_a_timestamp_and_a_unit_and_what() {
        for migration in MIGRATIONS {
            let (stamp, rest) = migration.name.split_once('_').unwrap();
            assert!(stamp.len() == 14 && stamp.bytes().all(|byte| byte.is_ascii_digit()), "{}", migration.name);
            assert!(rest.contains('_'), "{}", migration.name);
        }
    }
}
