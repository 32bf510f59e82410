//! What a guest prints on its output and its errors: kept until its call ends, when each line is a line of the log.

use std::mem;

use super::report::{Level, Report};

/// What one call may print on each stream; the rest goes nowhere. Does not limit the lines of a second, which `limits.log_lines`
/// does.
pub(super) const MOST: usize = 64 << 10;

/// What a guest printed since the last call.
#[derive(Debug, Default)]
pub(super) struct Printed {
    output: Vec<u8>,
    errors: Vec<u8>,
}

impl Printed {
    /// Adds to stream 1 or 2; none if it is another.
    pub(super) fn print(&mut self, fd: u32, bytes: &[u8]) -> Option<()> {
        match fd {
            1 => append(&mut self.output, bytes),
            2 => append(&mut self.errors, bytes),
            _ => return None,
        }
        Some(())
    }

    /// Moves what was printed into the report.
    pub(super) fn report(&mut self, report: &mut Report) {
        lines(&mem::take(&mut self.output), Level::Info, report);
        lines(&mem::take(&mut self.errors), Level::Warn, report);
    }
}

/// Adds what there is room for.
pub(super) fn append(printed: &mut Vec<u8>, bytes: &[u8]) {
    let room = MOST.saturating_sub(printed.len());
    printed.extend(bytes.iter().take(room));
}

/// A line of the log for each that is not empty.
pub(super) fn lines(printed: &[u8], level: Level, report: &mut Report) {
    for line in printed.split(|&byte| byte == b'\n') {
        if !line.is_empty() {
            report.log(level, &String::from_utf8_lossy(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_bounded() {
        let mut printed = Printed::default();
        for _ in 0..100 {
            assert!(printed.print(1, &[b'x'; 1_000]).is_some());
        }
        assert_eq!(printed.output.len(), MOST);
        assert!(printed.print(0, b"x").is_none() && printed.print(3, b"x").is_none());
        assert!(printed.errors.is_empty());
        printed.report(&mut Report::default());
        assert!(printed.output.is_empty());
    }
}
