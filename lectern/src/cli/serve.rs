//! Arguments of `lectern serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::ArgPredicate;

use super::{Data, Makes, MetricsAt, Takes};

#[derive(clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Address and port; port 0 takes a free one. 127.0.0.1:3000 if not given, with --unit the unit's own port there. Without
    /// LECTERN_ADMIN_TOKEN only loopback is allowed
    #[arg(long, env = "LECTERN_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// What this process is; everything unless told otherwise, and with --only or --unit the API alone
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_values_t = [Role::Api, Role::Origin, Role::Worker],
        default_value_ifs = [("only", ArgPredicate::IsPresent, "api"), ("unit", ArgPredicate::IsPresent, "api")]
    )]
    pub(crate) roles: Vec<Role>,
    /// Serve these units of the API alone, of those that are `ready` in `lectern units`; the database is migrated by somebody
    /// else then
    #[arg(long, value_name = "SLUG", value_delimiter = ',', conflicts_with = "unit")]
    pub(crate) only: Vec<String>,
    /// The same for one unit
    #[arg(long, value_name = "SLUG")]
    pub(crate) unit: Option<String>,
    /// Where the gateway finds a unit that this process does not serve, such as media=http://10.0.0.2:3006; once for each process of one,
    /// or several behind commas. http://127.0.0.1 at the unit's own port if not given
    #[arg(long = "upstream", env = "LECTERN_UPSTREAM", value_name = "SLUG=URL", value_delimiter = ',')]
    pub(crate) upstreams: Vec<String>,
    /// How many requests are answered, such as caller-read=2000/10 for 2000 in 10 seconds, or caller-read=none for any number; once for each
    /// rate, or several behind commas. Of each key: caller-read, caller-change. Of all keys of a tenant: tenant-read, tenant-change. Of an
    /// address: address-read and address-change where no key is asked for, unknown-token for tokens that nobody has
    #[arg(long = "rate", env = "LECTERN_RATE", value_name = "NAME=REQUESTS/SECONDS", value_delimiter = ',')]
    pub(crate) rates: Vec<String>,
    /// Networks of machines in front, gateways too, that are believed when they say in `Forwarded` for whom they ask; behind commas.
    /// None if not given
    #[arg(long = "trusted-proxies", env = "LECTERN_TRUSTED_PROXIES", value_name = "NETWORKS", default_value = "")]
    pub(crate) trusted_proxies: String,
    /// Origins whose pages may call the API from browsers, beside those of the server itself, such as https://app.example; once for each, or
    /// several behind commas. None if not given; what is published, and licences, are for pages of any
    #[arg(long = "allowed-origin", env = "ALLOWED_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) allowed_origins: Vec<String>,
    /// Address that people and their programs reach this installation at, https://HOST: they sign in to programs of their tenant there
    /// (OpenID Connect), and their passkeys are made for it. Where only this machine is served, the address that is listened at if not
    /// given; passkeys are for http://localhost at the port then
    #[arg(long = "public-url", env = "LECTERN_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// SMTP server that letters to people go to, such as smtps://mail.example, smtp+starttls://mail.example or, without TLS,
    /// smtp://127.0.0.1, perhaps with a port. Whoever it knows stands in LECTERN_SMTP_URL before the host, as USER:PASSWORD@. None are
    /// sent if not given, and nothing is offered that needs one
    #[arg(long = "smtp-url", value_name = "URL")]
    pub(crate) smtp_url: Option<String>,
    /// Who letters are from, such as no-reply@lectern.example or 'Lectern <no-reply@lectern.example>'
    #[arg(long = "mail-from", env = "LECTERN_MAIL_FROM", value_name = "ADDRESS")]
    pub(crate) mail_from: Option<String>,
    /// Broker that events are published to as CloudEvents, once for each: nats://HOST/PREFIX (JetStream; tls:// too), amqp://HOST/VHOST or
    /// kafka://HOST/TOPIC. Behind `?`, with `&` between them: kinds=asset.*,user.erased (all if not given), mode=binary, from=start (from
    /// now on if not given), name=NAME, and on AMQP exchange=NAME. LECTERN_BRIDGE says the same, several with spaces between them, and is
    /// the place for an address with a password
    // No `env` here: the help would print what the variable holds.
    #[arg(long = "bridge", value_name = "URL")]
    pub(crate) bridges: Vec<String>,
    /// File of the certificate that clients are shown, with those that vouch for it behind it, in PEM; read again when it changes. With it
    /// nothing but TLS is spoken at the address, and --public-url is to be said. Plain HTTP if not given
    #[arg(long = "tls-certificate", env = "LECTERN_TLS_CERTIFICATE", value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// File of the private key of the certificate, in PEM
    #[arg(long = "tls-key", env = "LECTERN_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) demand: DemandAt,
    #[command(flatten)]
    pub(crate) takes: Takes,
    #[command(flatten)]
    pub(crate) makes: Makes,
    #[command(flatten)]
    pub(crate) metrics: MetricsAt,
}

/// Who is told what viewers wait for, by an origin that has the store alone.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DemandAt {
    /// Address of an API, `serve --roles api`, that an origin without a database tells what viewers wait for while a recording
    /// is made. Both are started with the same LECTERN_SERVICE_TOKEN
    #[arg(long = "demand-url", env = "LECTERN_DEMAND_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// A part of `lectern serve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Units: uploads, assets, events, licences, webhooks, and the page
    Api,
    /// What is published
    Origin,
    /// Jobs
    Worker,
}
