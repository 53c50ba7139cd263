//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

/// Figures as text, family by family.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// What the answer's `Content-Type` says.
    pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family, whose lines follow. `kind` is `counter`, `gauge` or `histogram`; `help` is one line.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One series, with its labels and their values.
    pub fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        let _ = match labels.is_empty() {
            true => writeln!(self.0, "{name} {value}"),
            false => writeln!(self.0, "{name}{{{}}} {value}", labels.join(",")),
        };
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.0
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped_and_no_labels_are_no_braces() {
        let mut text = Text::default();
        text.line("a", &[("of", "x\"y\\z\nw"), ("and", "1")], 2);
        text.line("b", &[], 0.5);
        assert_eq!(text.finish(), "a{of=\"x\\\"y\\\\z\\nw\",and=\"1\"} 2\nb 0.5\n");
    }
}
