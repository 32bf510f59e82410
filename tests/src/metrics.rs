//! Scrapes otlet's admin endpoint and reads what it answers, strictly: what is not `OpenMetrics` is an error here, so that no
//! scraper meets it first. It shares no code with otlet.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a scrape may take, and how long a test waits for what it should show.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a scrape gave.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    families: BTreeMap<String, Family>,
}

/// One metric with its samples.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it is.
    pub help: String,
    unit: Option<String>,
    samples: Vec<Sample>,
}

type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
struct Sample {
    /// What follows the family's name.
    suffix: String,
    labels: Labels,
    value: f64,
}

/// Reads a page of the admin endpoint: its status, and its body.
///
/// # Panics
/// If it does not answer in HTTP.
pub fn page(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the admin endpoint listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("it is no time of zero");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: otlet\r\naccept: application/openmetrics-text\r\n\r\n"
    );
    let mut answer = String::new();
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer))
        .expect("the admin endpoint answers in text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("an answer has a status"), body.to_owned())
}

/// Scrapes until it is as it should be, and fails the test when that does not happen.
///
/// # Panics
/// If it does not happen, or what is answered is no `OpenMetrics`.
pub fn scrape_until(
    address: SocketAddr,
    what: &str,
    condition: impl Fn(&Metrics) -> bool,
) -> Metrics {
    let end = Instant::now() + PATIENCE;
    loop {
        let metrics = scrape(address);
        if condition(&metrics) {
            return metrics;
        }
        assert!(Instant::now() < end, "waited for {what}: {metrics:#?}");
        std::thread::yield_now();
    }
}

/// Scrapes once.
///
/// # Panics
/// If what is answered is no `OpenMetrics`.
pub fn scrape(address: SocketAddr) -> Metrics {
    let (status, text) = page(address, "/metrics");
    assert_eq!(status, 200, "{text}");
    Metrics::parse(&text).unwrap_or_else(|error| panic_with(&error, &text))
}

#[expect(clippy::panic, reason = "it is a test that fails")]
fn panic_with(error: &str, text: &str) -> Metrics {
    panic!("no OpenMetrics: {error}\n{text}")
}

impl Metrics {
    /// Reads `OpenMetrics` text, or says what is wrong with it.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let body = text
            .strip_suffix("# EOF\n")
            .ok_or("it does not end with # EOF")?;
        let mut metrics = Self::default();
        let mut current = String::new();
        for (number, line) in body.lines().enumerate() {
            metrics
                .line(line, &mut current)
                .map_err(|error| format!("line {}: {error}: {line}", number + 1))?;
        }
        for (name, family) in &metrics.families {
            family
                .check(name)
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(metrics)
    }

    /// The families, by name.
    pub fn families(&self) -> &BTreeMap<String, Family> {
        &self.families
    }

    /// The sum of the samples of this name that have these labels; a histogram's `_count` and `_sum` are samples, too.
    ///
    /// # Panics
    /// If there is none, so that a name that is wrong is no zero.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            labels
                .iter()
                .all(|(key, value)| sample.labels.get(*key).is_some_and(|own| own == value))
        };
        let samples = self.families.iter().flat_map(|(family, of)| {
            of.samples
                .iter()
                .filter(move |sample| name.strip_prefix(family.as_str()) == Some(&sample.suffix))
        });
        let values: Vec<f64> = samples.filter(has).map(|one| one.value).collect();
        assert!(!values.is_empty(), "no {name} with {labels:?}");
        values.iter().sum()
    }

    /// The same as a whole number.
    ///
    /// # Panics
    /// If it is none.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let sum = self.sum(name, labels);
        assert!(sum >= 0.0 && sum.fract() == 0.0, "{name}: {sum}");
        format!("{sum:.0}").parse().expect("it is a whole number")
    }

    /// Every value of every label.
    pub fn label_values(&self) -> BTreeSet<&str> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples
            .flat_map(|sample| sample.labels.values())
            .map(String::as_str)
            .collect()
    }

    fn line(&mut self, line: &str, current: &mut String) -> Result<(), String> {
        let Some(comment) = line.strip_prefix("# ") else {
            let family = self.families.get_mut(current.as_str());
            return family
                .ok_or("a sample before its type")?
                .sample(current, line);
        };
        let mut words = comment.splitn(3, ' ');
        let (word, name, rest) = (words.next(), words.next(), words.next());
        let (Some(word), Some(name), Some(rest)) = (word, name, rest) else {
            return Err("no word of OpenMetrics".to_owned());
        };
        if name != current.as_str() {
            if !is_name(name) || self.families.contains_key(name) {
                return Err("a name that is none, or that was there before".to_owned());
            }
            name.clone_into(current);
        }
        let family = self.families.entry(name.to_owned()).or_default();
        if !family.samples.is_empty() {
            return Err("what is said of a metric after its samples".to_owned());
        }
        match word {
            "HELP" if family.help.is_empty() => rest.clone_into(&mut family.help),
            "TYPE" if family.kind.is_empty() => rest.clone_into(&mut family.kind),
            "UNIT" if family.unit.is_none() => family.unit = Some(rest.to_owned()),
            _ => return Err("said twice, or no word of OpenMetrics".to_owned()),
        }
        Ok(())
    }
}

impl Family {
    fn sample(&mut self, name: &str, line: &str) -> Result<(), String> {
        let rest = line
            .strip_prefix(name)
            .ok_or("a sample of another metric")?;
        let at = rest.find(['{', ' ']).ok_or("a sample without a value")?;
        let (suffix, rest) = rest.split_at_checked(at).ok_or("no characters")?;
        let fits = match self.kind.as_str() {
            "counter" => suffix == "_total",
            "gauge" => suffix.is_empty(),
            "histogram" => ["_bucket", "_count", "_sum"].contains(&suffix),
            _ => false,
        };
        if !fits {
            return Err(format!("`{suffix}` is not of a {}", self.kind));
        }
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (Labels::new(), rest),
        };
        let value = value.strip_prefix(' ').ok_or("no space before the value")?;
        let sample = Sample {
            suffix: suffix.to_owned(),
            labels,
            value: value
                .parse()
                .map_err(|_error| "a value that is no number")?,
        };
        let twice = |other: &Sample| other.suffix == sample.suffix && other.labels == sample.labels;
        if self.samples.iter().any(twice) {
            return Err("the same sample twice".to_owned());
        }
        self.samples.push(sample);
        Ok(())
    }

    fn check(&self, name: &str) -> Result<(), String> {
        if self.help.is_empty() || self.samples.is_empty() {
            return Err("no help, or no samples".to_owned());
        }
        let unit = self.unit.as_deref();
        if unit.is_some_and(|unit| !name.ends_with(&format!("_{unit}"))) {
            return Err("its name does not end with its unit".to_owned());
        }
        if self.kind != "gauge" && self.samples.iter().any(|sample| sample.value < 0.0) {
            return Err("less than nothing".to_owned());
        }
        if self.kind == "histogram" {
            self.check_buckets()?;
        }
        Ok(())
    }

    /// The buckets of each set of labels ascend to the count.
    fn check_buckets(&self) -> Result<(), String> {
        let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in self.samples.iter().filter(|one| one.suffix == "_bucket") {
            let mut labels = sample.labels.clone();
            let le = labels.remove("le").ok_or("a bucket without le")?;
            let le = match le.as_str() {
                "+Inf" => f64::INFINITY,
                le => le.parse().map_err(|_error| "le is no number")?,
            };
            series.entry(labels).or_default().push((le, sample.value));
        }
        for (labels, buckets) in series {
            let ascend =
                |(one, next): (&(f64, f64), &(f64, f64))| one.0 < next.0 && one.1 <= next.1;
            let last = buckets.last().copied().unwrap_or_default();
            let of = |suffix: &str| {
                let mut samples = self.samples.iter();
                samples.find(|one| one.suffix == suffix && one.labels == labels)
            };
            let count = of("_count").ok_or("no count")?.value;
            of("_sum").ok_or("no sum")?;
            if !buckets.iter().zip(buckets.iter().skip(1)).all(ascend) {
                return Err("buckets that do not ascend".to_owned());
            }
            if last.0.is_finite() || (last.1 - count).abs() > f64::EPSILON {
                return Err("the last bucket is not the count".to_owned());
            }
        }
        Ok(())
    }
}

/// Labels up to the closing brace, and what follows.
fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut labels = Labels::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        if !is_name(name) || name.contains(':') {
            return Err(format!("`{name}` is not the name of a label"));
        }
        let (value, after) = quoted(after)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("label {name} twice"));
        }
        let Some(more) = after.strip_prefix(',') else {
            let after = after.strip_prefix('}').ok_or("no closing brace")?;
            return Ok((labels, after));
        };
        rest = more;
    }
}

/// A value up to the closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok((value, characters.as_str())),
            '\\' => value.push(match characters.next() {
                Some('n') => '\n',
                Some(escaped @ ('"' | '\\')) => escaped,
                _ => return Err("an escape that is none".to_owned()),
            }),
            other => value.push(other),
        }
    }
    Err("no closing quote".to_owned())
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.starts_with(|c: char| fits(c) && !c.is_ascii_digit()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = r#"# HELP a_seconds Time.
# TYPE a_seconds histogram
# UNIT a_seconds seconds
a_seconds_sum{x="1"} 0.5
a_seconds_count{x="1"} 2
a_seconds_bucket{le="0.1",x="1"} 1
a_seconds_bucket{le="+Inf",x="1"} 2
# HELP b Things.
# TYPE b counter
b_total{y="q\"\\\n"} 7
b_total{y="z"} 5
# EOF
"#;

    #[test]
    fn right_text_is_read() {
        let metrics = Metrics::parse(RIGHT).unwrap();
        assert_eq!(metrics.count("b_total", &[]), 12);
        assert_eq!(metrics.count("b_total", &[("y", "q\"\\\n")]), 7);
        assert_eq!(metrics.count("a_seconds_count", &[("x", "1")]), 2);
    }

    #[test]
    fn wrong_text_is_an_error() {
        for (right, wrong) in [
            ("# EOF\n", ""),
            ("b_total{y=\"z\"}", "b{y=\"z\"}"),
            ("b_total{y=\"z\"}", "b_total{y=\"q\\\"\\\\\\n\"}"),
            ("# TYPE b counter\n", ""),
            ("# TYPE b counter", "# TYPE b gauge"),
            ("le=\"+Inf\",x=\"1\"} 2", "le=\"+Inf\",x=\"1\"} 3"),
            ("le=\"0.1\",x=\"1\"} 1", "le=\"0.1\",x=\"1\"} 3"),
            ("# UNIT a_seconds seconds", "# UNIT a_seconds bytes"),
            ("{y=\"z\"} 5", "{y=\"z} 5"),
            ("{y=\"z\"} 5", "{y=\"z\"} five"),
            ("{y=\"z\"} 5", "{1=\"z\"} 5"),
            ("# HELP b Things.", "# HELP a_seconds Things."),
        ] {
            assert!(RIGHT.contains(right));
            let text = RIGHT.replacen(right, wrong, 1);
            assert!(Metrics::parse(&text).is_err(), "{text}");
        }
    }
}
