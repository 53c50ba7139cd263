//! Lines on standard error: for people on a terminal, one JSON object each otherwise.

use std::fmt;
use std::io::IsTerminal;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::{JsonFields, Writer, debug_fn};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Fields of spans that say what a line is about. They stand beside the line's own, which win.
const IDS: [&str; 6] = ["asset_id", "job_id", "stage", "attempt", "request_id", "trace_id"];

/// What writes lines, in the form that fits where standard error goes.
pub(crate) fn layer<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        let fields = debug_fn(|writer, field, value| match field.name() {
            "message" => write!(writer, "{value:?}"),
            name if name.starts_with("otel.") => Ok(()),
            name => write!(writer, "{name}={value:?} "),
        });
        Box::new(lines.with_target(false).compact().fmt_fields(fields))
    } else {
        Box::new(lines.fmt_fields(JsonFields::new()).event_format(JsonLines))
    }
}

/// `{"timestamp":..,"level":..,"message":..,FIELDS..,IDS..,"target":..}`
pub(crate) struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), time.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        event.record(&mut Fields(&mut line));
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let Some(fields) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
            let Ok(Value::Object(fields)) = serde_json::from_str(&fields.fields) else { continue };
            for (name, value) in fields.into_iter().filter(|(name, _)| IDS.contains(&name.as_str())) {
                line.entry(name).or_insert(value);
            }
        }
        line.insert("target".to_owned(), event.metadata().target().into());
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Fields of an event as JSON.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines(say: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(JsonLines);
        let layer = layer.with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn lines_of_a_job_say_which_and_lines_of_none_do_not() {
        let said = lines(|| {
            let job = crate::job_span(("probe", 2), ("as_1", "job_1"), None, &[]);
            let _entered = job.enter();
            tracing::info!(pictures = 7, ok = true, part = 0.5, "probed");
            drop(_entered);
            tracing::warn!(asset_id = "as_2", "elsewhere");
        });
        let (of_job, other) = (&said[0], &said[1]);
        assert_eq!((&of_job["asset_id"], &of_job["job_id"]), (&"as_1".into(), &"job_1".into()), "{of_job}");
        assert_eq!((&of_job["stage"], &of_job["attempt"]), (&"probe".into(), &2.into()), "{of_job}");
        assert_eq!((&of_job["message"], &of_job["level"]), (&"probed".into(), &"INFO".into()));
        assert_eq!((&of_job["pictures"], &of_job["ok"], &of_job["part"]), (&7.into(), &true.into(), &0.5.into()));
        assert!(of_job["timestamp"].as_str().unwrap().ends_with('Z') && of_job["target"].is_string());
        assert!(of_job.get("otel.name").is_none(), "{of_job}");
        assert_eq!(other["asset_id"], "as_2");
        assert!(other.get("job_id").is_none(), "{other}");
    }

    #[test]
    fn an_inner_span_and_the_line_itself_win() {
        let said = lines(|| {
            let outer = crate::job_span(("probe", 1), ("as_1", "job_1"), None, &[]).entered();
            let inner = tracing::error_span!("inner", job_id = "job_2").entered();
            tracing::info!(stage = "plan", "said \"so\"\nand so");
            drop((inner, outer));
        });
        assert_eq!((&said[0]["job_id"], &said[0]["stage"]), (&"job_2".into(), &"plan".into()));
        assert_eq!(said[0]["asset_id"], "as_1");
        assert_eq!(said[0]["message"], "said \"so\"\nand so", "one line, whatever was said");
    }
}
