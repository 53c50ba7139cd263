//! What a person proves who he is by and where he has signed in, handed out without its secrets, and erased.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Retention, Subject};
use kernel::{Personal, Problem};
use serde::Serialize;
use serde_json::json;

const PASSWORD: &str = "SELECT changed_ms FROM auth_password WHERE tenant_id = $1 AND user_id = $2";
const CODES: &str = "SELECT confirmed_ms, created_ms FROM auth_totp WHERE tenant_id = $1 AND user_id = $2";
const PASSKEYS: &str = "SELECT id, name, last_used_ms, created_ms FROM auth_passkey
    WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_ms, id LIMIT 1000";
const SESSIONS: &str =
    "SELECT id, user_agent, methods, client_id, scope, acted_by, reason, authenticated_ms, expires_ms, last_used_ms, created_ms
    FROM auth_session WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_ms, id LIMIT 1000";
/// Keys that he has made. They are the tenant's, and stay when he goes.
const KEYS: &str = "SELECT id, name, created_ms FROM api_key WHERE tenant_id = $1 AND created_by = $2
    ORDER BY created_ms, id LIMIT 1000";

const IDENTITIES: &str =
    "SELECT i.provider_id, p.name AS provider, i.subject, i.last_used_ms, i.created_ms FROM auth_identity i
    JOIN auth_provider p ON p.tenant_id = i.tenant_id AND p.id = i.provider_id
    WHERE i.tenant_id = $1 AND i.user_id = $2 ORDER BY i.created_ms, i.id LIMIT 1000";

/// Wishes for letters that nobody has answered yet are the installation's: they say a tenant by its slug, and perhaps nobody.
const FORGET_WISHES: &str =
    "DELETE FROM auth_mail_ask WHERE email = $2 AND slug = (SELECT slug FROM tenant WHERE tenant_id = $1)";
const ERASE: [&str; 12] = [
    "DELETE FROM auth_provider_sign_in WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_identity WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_sign_in_link WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM oauth_code WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM oauth_device WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_session WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_challenge WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_password_link WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_password WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_recovery_code WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_totp WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM auth_passkey WHERE tenant_id = $1 AND user_id = $2",
];
const REMOVE_SESSIONS: &str = "DELETE FROM auth_session WHERE (tenant_id, id) IN
    (SELECT tenant_id, id FROM auth_session WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)";
const REMOVE_LINKS: &str = "DELETE FROM auth_password_link WHERE (tenant_id, user_id) IN
    (SELECT tenant_id, user_id FROM auth_password_link WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)";

const REMOVE_SIGN_IN_LINKS: &str = "DELETE FROM auth_sign_in_link WHERE (tenant_id, id) IN
    (SELECT tenant_id, id FROM auth_sign_in_link WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)";

pub(super) const STATEMENTS: &[&str] = &[
    PASSWORD,
    CODES,
    PASSKEYS,
    SESSIONS,
    KEYS,
    IDENTITIES,
    FORGET_WISHES,
    REMOVE_SESSIONS,
    REMOVE_LINKS,
    REMOVE_SIGN_IN_LINKS,
];
pub(super) const ERASING: &[&str] = &ERASE;

/// What the unit removes by itself.
pub(super) const RETENTION: &[Retention] = &[
    Retention { what: "sessions that nobody has gone on with", kept_ms: 0, remove: REMOVE_SESSIONS },
    Retention { what: "links for passwords that were not used", kept_ms: 0, remove: REMOVE_LINKS },
    Retention { what: "links to sign in that were not used", kept_ms: 0, remove: REMOVE_SIGN_IN_LINKS },
    Retention { what: "letters that could not be sent", kept_ms: 7 * 24 * 3_600_000, remove: postbox::REMOVE },
];

/// What it does with data of people.
pub(super) static HOOKS: Hooks = Hooks;

pub(super) struct Hooks;

database::row! {
    #[derive(Serialize)]
    struct PasskeyExport {
        id: String,
        name: String,
        last_used_ms: Option<i64>,
        created_ms: i64,
    }
}

database::row! {
    #[derive(Serialize)]
    struct SessionExport {
        id: String,
        user_agent: Option<String>,
        methods: String,
        client_id: Option<String>,
        scope: Option<String>,
        acted_by: Option<String>,
        reason: Option<String>,
        authenticated_ms: i64,
        expires_ms: i64,
        last_used_ms: i64,
        created_ms: i64,
    }
}

database::row! {
    #[derive(Serialize)]
    struct KeyExport {
        id: String,
        name: String,
        created_ms: i64,
    }
}

database::row! {
    #[derive(Serialize)]
    struct IdentityExport {
        provider_id: String,
        provider: String,
        subject: String,
        last_used_ms: Option<i64>,
        created_ms: i64,
    }
}

impl Personal for Hooks {
    fn export<'a>(
        &'a self,
        db: &'a Database,
        of: &'a Subject,
        into: &'a mut Dossier,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let args = || args![&of.tenant, &of.id];
            let password: Option<(i64,)> = db.optional(PASSWORD, args()).await?;
            let codes: Option<(Option<i64>, i64)> = db.optional(CODES, args()).await?;
            let codes = codes
                .map(|(confirmed_ms, created_ms)| json!({ "confirmed_ms": confirmed_ms, "created_ms": created_ms }));
            let password = password.map(|(changed_ms,)| json!({ "changed_ms": changed_ms }));
            into.document("factors", &json!({ "password": password, "codes": codes }))?;
            let passkeys: Vec<PasskeyExport> = db.all(PASSKEYS, args()).await?;
            passkeys.iter().try_for_each(|passkey| into.row("passkeys", passkey))?;
            let identities: Vec<IdentityExport> = db.all(IDENTITIES, args()).await?;
            identities.iter().try_for_each(|identity| into.row("identities", identity))?;
            let sessions: Vec<SessionExport> = db.all(SESSIONS, args()).await?;
            sessions.iter().try_for_each(|session| into.row("sessions", session))?;
            let keys: Vec<KeyExport> = db.all(KEYS, args()).await?;
            keys.iter().try_for_each(|key| into.row("api_keys", key))
        })
    }

    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            for statement in ERASE {
                tx.execute(statement, args![&of.tenant, &of.id]).await?;
            }
            for address in &of.addresses {
                tx.execute(FORGET_WISHES, args![&of.tenant, address]).await?;
                postbox::forget(tx, &of.tenant, address).await?;
            }
            Ok(())
        })
    }
}
