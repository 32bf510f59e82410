//! Reads `dead_letters`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::letters::Config;

use super::reader::Reader;
use super::report::Mistake;
use super::units::MAX_DURATION;

/// Less than one request of the default `max_request_body_size` would keep nothing.
const SIZES: RangeInclusive<u64> = 16 << 20..=1 << 40;

/// Reads the section; `None` beside a mistake if there is no directory.
pub(super) fn read(mut reader: Reader<'_>) -> Option<Config> {
    let cure = "write `directory: /var/lib/otlet/dead`";
    if !reader.has("directory") {
        let what = "`dead_letters` has no directory";
        reader.report(Mistake::error(reader.place(), what, cure));
    }
    let directory = reader.text("directory", "the path of a directory", cure, |text| {
        if text.is_empty() || text.contains('\0') {
            return Err(("the path is empty".to_owned(), cure.to_owned()));
        }
        Ok(PathBuf::from(text))
    });
    let mut config = Config::at(directory.clone().unwrap_or_default());
    reader.size("max_bytes", SIZES, &mut config.max_bytes);
    reader.duration(
        "max_age",
        Duration::ZERO..=MAX_DURATION,
        &mut config.max_age,
    );
    reader.finish();
    directory.map(|_| config)
}
