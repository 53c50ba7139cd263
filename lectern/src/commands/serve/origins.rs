//! Whose pages may call the API, as the command line has it.

use control_api::Origins;

use crate::cli::Serve;
use crate::exit::Failure;

/// Those that are named.
pub(super) fn configured(options: &Serve) -> Result<Origins, Failure> {
    // A variable that is set to nothing names nothing.
    let named = options.allowed_origins.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    Origins::new(named).map_err(|error| {
        let hint = "write --allowed-origin https://app.example, once for each; all of them have no name";
        Failure::config("origins.unfit", error.to_string(), hint)
    })
}
