//! The variables that are read here and not by clap, the other names of variables, and names that say nothing here.

/// A variable of the environment that `cli` does not declare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// The argument that says the same, and wins.
    pub(crate) flag: Option<&'static str>,
    /// What it holds is shown to nobody.
    pub(crate) is_secret: bool,
    /// The commands that read it.
    pub(crate) of: &'static [&'static str],
    /// What holds where it is not set, in words.
    pub(crate) default: &'static str,
    pub(crate) what: &'static str,
}

/// Another name of a variable, from whoever deployed something else before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alias {
    pub(crate) name: &'static str,
    /// The variable that it stands for.
    pub(crate) of: &'static str,
    /// The command that knows it; all that have the variable when `None`.
    pub(crate) only: Option<&'static str>,
}

/// The commands whose settings these are.
pub(crate) const COMMANDS: [&str; 3] = ["serve", "worker", "origin"];
const ALL: &[&str] = &COMMANDS;
const SERVE: &[&str] = &["serve"];
const WORK: &[&str] = &["serve", "worker"];
const DEMAND: &[&str] = &["serve", "origin"];

/// What [`Alias`]es and `cli` name it by.
pub(super) const LISTEN: &str = "LECTERN_LISTEN";

/// The other names, those first that are looked at first.
pub(crate) const ALIASES: &[Alias] = &[
    Alias { name: "PORT", of: LISTEN, only: Some("serve") },
    Alias { name: "SERVER_PORT", of: LISTEN, only: Some("serve") },
    Alias { name: "DATABASE_URL", of: DATABASE.name, only: None },
    Alias { name: "DATABASE_URI", of: DATABASE.name, only: None },
    Alias { name: "LOG_LEVEL", of: LOG.name, only: None },
];

/// Names that say nothing here, and why.
pub(crate) const NOT_USED: &[(&str, &str)] = &[
    (
        "JWT_SECRET_KEY",
        "Not used: no token is signed with a secret that is shared. Keys are looked up in the database, and playback tokens are \
         signed under the key-encryption key",
    ),
    ("REDIS_URL", "Not used: queue, events and whatever is remembered are in the database"),
];

macro_rules! variables {
    (@secret plain) => { false };
    (@secret secret) => { true };
    ($(
        $constant:ident = $name:literal, $kind:ident, $of:expr, $(flag $flag:literal,)? $(unless set $default:literal,)? $what:literal;
    )+) => {
        $(pub(crate) const $constant: Variable = Variable {
            name: $name,
            flag: [$(Some($flag),)? None][0],
            is_secret: variables!(@secret $kind),
            of: $of,
            default: [$($default,)? ""][0],
            what: $what,
        };)+
        /// All of them, as they are told of.
        pub(crate) const VARIABLES: &[Variable] = &[$($constant),+];
    };
}

variables! {
    DATABASE = "LECTERN_DATABASE", plain, WORK, flag "database", "As the argument, which must not hold a password";
    SMTP_URL = "LECTERN_SMTP_URL", plain, SERVE, flag "smtp-url", "As the argument, which must not hold a password";
    BRIDGE = "LECTERN_BRIDGE", secret, SERVE, flag "bridge", "As the argument, several with spaces between them";
    ADMIN_TOKEN = "LECTERN_ADMIN_TOKEN", secret, SERVE, unless set "made and kept in the data folder; then only loopback is served",
        "What opens everything: 16 to 512 printable ASCII characters without spaces";
    SERVICE_TOKEN = "LECTERN_SERVICE_TOKEN", secret, DEMAND,
        "What processes of one installation know each other by, of the same form";
    KEK_FILE = "LECTERN_KEK_FILE", plain, WORK,
        "File, of mode 0600, of the key-encryption keys: one a line in hexadecimal, the current one first";
    KEK = "LECTERN_KEK", secret, WORK, "The same keys themselves, in place of the file";
    CA_FILE = "LECTERN_CA_FILE", plain, ALL,
        "File of further certificate authorities in PEM, for requests to all other machines but S3";
    WEBHOOK_ALLOW = "LECTERN_WEBHOOK_ALLOW", plain, SERVE, unless set "public machines alone",
        "Networks that webhooks may be sent to besides, such as 10.0.0.0/8, with commas between them";
    AUTH_ALLOW = "LECTERN_AUTH_ALLOW", plain, SERVE, unless set "public machines alone",
        "Networks that identity providers may be in besides, such as 10.0.0.0/8, with commas between them";
    LICENCE_WIDEVINE_URL = "LECTERN_LICENCE_WIDEVINE_URL", plain, WORK, "The licence server of Widevine";
    LICENCE_PLAYREADY_URL = "LECTERN_LICENCE_PLAYREADY_URL", plain, WORK, "That of PlayReady";
    LICENCE_FAIRPLAY_URL = "LECTERN_LICENCE_FAIRPLAY_URL", plain, WORK, "That of FairPlay";
    LICENCE_POLICY_KEY = "LECTERN_LICENCE_POLICY_KEY", secret, SERVE,
        "The secret that is shared with licence servers, 64 to 256 hexadecimal digits";
    LICENCE_AUTHORIZATION = "LECTERN_LICENCE_AUTHORIZATION", secret, SERVE,
        "What licence servers want for Authorization, or another header with its name";
    LICENCE_FAIRPLAY_CERTIFICATE = "LECTERN_LICENCE_FAIRPLAY_CERTIFICATE", plain, SERVE,
        "File of the FairPlay certificate, in DER";
    ENGINE = "LECTERN_ENGINE", plain, WORK, unless set "lectern-engine beside lectern", "The engine's executable";
    LIBVMAF = "LECTERN_LIBVMAF", plain, WORK, "A libvmaf that renditions are judged by besides";
    LOG = "LECTERN_LOG", plain, ALL, unless set "info", "Which lines are logged: a level, or one for each part, such as info,workers=debug";
    S3_PUBLIC_URL = "LECTERN_S3_PUBLIC_URL", plain, SERVE, "Where clients reach the server of S3, if it is elsewhere for them";
    S3_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID", secret, ALL, "Who asks S3";
    S3_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY", secret, ALL, "The secret of that";
    S3_SESSION_TOKEN = "AWS_SESSION_TOKEN", secret, ALL, "The session of that";
    S3_PROFILE = "AWS_PROFILE", plain, ALL, "The profile in ~/.aws that says so instead";
    S3_REGION = "AWS_REGION", plain, ALL, "Where the bucket is";
    S3_DEFAULT_REGION = "AWS_DEFAULT_REGION", plain, ALL, "The same";
    S3_ENDPOINT = "AWS_ENDPOINT_URL_S3", plain, ALL, unless set "Amazon's", "The server of S3";
    AWS_ENDPOINT = "AWS_ENDPOINT_URL", plain, ALL, "The same";
    S3_AUTHORITIES = "SSL_CERT_FILE", plain, ALL, unless set "the machine's", "Certificate authorities for S3, in PEM";
    TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", plain, WORK, unless set "no traces are exported", "The collector of traces";
    TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", plain, WORK, "The same, with its path";
    TRACES_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS", secret, WORK, "Headers for the collector";
    TRACES_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT", plain, WORK, unless set "10000", "Milliseconds that it has for an answer";
    TRACES_COMPRESSION = "OTEL_EXPORTER_OTLP_COMPRESSION", plain, WORK, "gzip, or nothing";
    TRACES_SERVICE = "OTEL_SERVICE_NAME", plain, WORK, unless set "lectern", "The service that spans are of";
    TRACES_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES", plain, WORK, "What else is said of it";
    TRACES_SAMPLER = "OTEL_TRACES_SAMPLER", plain, WORK, "Which traces are exported";
    TRACES_SAMPLER_ARG = "OTEL_TRACES_SAMPLER_ARG", plain, WORK, "What the sampler wants to know";
    TRACES_QUEUE = "OTEL_BSP_MAX_QUEUE_SIZE", plain, WORK, unless set "2048", "Spans that may wait";
    TRACES_DELAY = "OTEL_BSP_SCHEDULE_DELAY", plain, WORK, unless set "5000", "Milliseconds between exports";
    TRACES_DISABLED = "OTEL_SDK_DISABLED", plain, WORK, "true for no traces all the same";
    TRACES_EXPORTER = "OTEL_TRACES_EXPORTER", plain, WORK, "none for no traces all the same";
}
