//! Whether a file that was there before can be continued: what is written behind something else is never read again.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::Format;

/// What is in a file that nothing of a format may follow; none in one that can be continued.
pub(super) fn obstacle(file: &mut File, format: Format) -> io::Result<Option<&'static str>> {
    let stat = file.metadata()?;
    if !stat.is_file() || stat.len() == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(0))?;
    match format {
        Format::Json => {
            let mut first = [0];
            file.read_exact(&mut first)?;
            Ok((first != *b"{").then_some("it does not begin with a line of JSON"))
        }
        Format::Proto => {
            let whole = ends_a_message(file, stat.len())?;
            Ok((!whole).then_some("it does not end with a whole message"))
        }
    }
}

/// Whether a file is messages alone, each after its length, the last one whole.
fn ends_a_message(file: &mut File, len: u64) -> io::Result<bool> {
    let mut file = BufReader::new(file);
    let mut rest = len;
    while rest > 0 {
        let mut prefix = [0; 4];
        let Some(behind) = rest.checked_sub(4) else {
            return Ok(false);
        };
        file.read_exact(&mut prefix)?;
        let message = u32::from_be_bytes(prefix);
        let Some(behind) = behind.checked_sub(message.into()) else {
            return Ok(false);
        };
        file.seek_relative(message.into())?;
        rest = behind;
    }
    Ok(true)
}
