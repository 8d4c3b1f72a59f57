//! Putting the configuration together: file, environment, flags.

use super::Config;
use super::section::{Field, Setting, Shape, Wrong, within};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Nobody writes more than this by hand; a larger file is the wrong file.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// A value from the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// How it was written: `--listen`.
    pub name: String,
    /// What it sets: `http.listen`.
    pub key: String,
    /// The text behind it.
    pub value: String,
}

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// One sentence for each thing that is wrong.
    pub fn sentences(&self) -> &[String] {
        &self.0
    }

    pub(super) fn from_check(wrong: Vec<Wrong>) -> Self {
        Self(
            wrong
                .into_iter()
                .map(|w| format!("{} {}", w.key, w.why))
                .collect(),
        )
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

pub(super) fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Config, ConfigErrors> {
    let mut layers = Layers::default();
    if let Some(path) = file {
        layers.add_file(path);
    }
    for (name, text) in environment {
        layers.add_variable(&name, &text);
    }
    for flag in flags {
        layers.add_text(&flag.key, &flag.value, Origin::Flag(flag.name.clone()));
    }
    layers.finish()
}

/// The same of the text of a file alone; `path` is only named.
pub(super) fn load_text(text: &str, path: &Path) -> Result<Config, ConfigErrors> {
    let mut layers = Layers::default();
    layers.add_toml(path, text);
    layers.finish()
}

/// Every field that holds a value, by its full key: `session.phone.max`.
pub(super) fn leaves() -> BTreeMap<String, Field> {
    fn collect(prefix: &str, fields: Vec<Field>, into: &mut BTreeMap<String, Field>) {
        for mut field in fields {
            let key = within(prefix, field.name);
            match std::mem::replace(&mut field.shape, Shape::Switch) {
                Shape::Section(inner) => collect(&key, inner, into),
                shape => {
                    field.shape = shape;
                    into.insert(key, field);
                }
            }
        }
    }
    let mut leaves = BTreeMap::new();
    if let Shape::Section(fields) = Config::shape() {
        collect("", fields, &mut leaves);
    }
    leaves
}

/// The variable that sets a key: `KITH_HTTP_LISTEN`.
pub(super) fn variable(key: &str) -> String {
    format!("KITH_{}", key.replace('.', "_").to_uppercase())
}

#[derive(Clone, Debug)]
enum Origin {
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}", path.display()),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::Flag(name) => write!(f, "from {name}"),
        }
    }
}

/// Values by full key, with where each came from; a later layer overwrites an earlier one.
struct Layers {
    leaves: BTreeMap<String, Field>,
    values: BTreeMap<String, (Value, Origin)>,
    errors: Vec<String>,
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            leaves: leaves(),
            values: BTreeMap::new(),
            errors: Vec::new(),
        }
    }
}

impl Layers {
    fn add_file(&mut self, path: &Path) {
        match read_file(path) {
            Ok(text) => self.add_toml(path, &text),
            Err(error) => self.errors.push(error),
        }
    }

    fn add_toml(&mut self, path: &Path, text: &str) {
        match text.parse::<Table>() {
            Ok(table) => self.add_table("", table, &Origin::File(path.to_owned())),
            Err(error) => self.errors.push(format!(
                "the configuration {} is no TOML: {}",
                path.display(),
                error.to_string().trim_end()
            )),
        }
    }

    fn add_table(&mut self, prefix: &str, table: Table, origin: &Origin) {
        for (name, value) in table {
            let key = within(prefix, &name);
            match (self.leaves.get(&key), value) {
                (Some(field), value) if field.shape.fits(&value) => {
                    self.values.insert(key, (value, origin.clone()));
                }
                (Some(field), value) => {
                    let must = field.shape.in_words();
                    self.errors
                        .push(format!("{key} must be {must}, not {value} ({origin})"));
                }
                (None, Value::Table(inner)) if self.is_section(&key) => {
                    self.add_table(&key, inner, origin);
                }
                (None, _) if self.is_section(&key) => self.errors.push(format!(
                    "{key} is a section: write [{key}] and its fields below it ({origin})"
                )),
                (None, _) => self.unknown(&key, origin),
            }
        }
    }

    /// Variables of other programs are left alone: only those that begin like one of our sections
    /// are ours, since an orchestrator may set `KITH_SERVICE_HOST` and the like.
    fn add_variable(&mut self, name: &str, text: &str) {
        let Some(rest) = name.strip_prefix("KITH_") else {
            return;
        };
        let origin = Origin::Variable(name.to_owned());
        let key = self
            .leaves
            .keys()
            .find(|key| variable(key) == name)
            .cloned();
        if let Some(key) = key {
            self.add_text(&key, text, origin);
            return;
        }
        // `KITH_PASSWORD` is what `kith chat` signs in with, and no field of a section.
        let section = rest
            .split_once('_')
            .map(|(section, _)| section.to_lowercase());
        if section.is_some_and(|section| self.is_section(&section)) {
            let near = nearest(name, self.leaves.keys().map(|key| variable(key)));
            self.errors
                .push(format!("{name} sets nothing: there is no such key{near}"));
        }
    }

    fn add_text(&mut self, key: &str, text: &str, origin: Origin) {
        let Some(field) = self.leaves.get(key) else {
            self.unknown(key, &origin);
            return;
        };
        match field.shape.read(text) {
            Some(value) => {
                self.values.insert(key.to_owned(), (value, origin));
            }
            None => {
                let must = field.shape.in_words();
                self.errors
                    .push(format!("{key} must be {must}, not {text:?} ({origin})"));
            }
        }
    }

    fn is_section(&self, key: &str) -> bool {
        let start = format!("{key}.");
        self.leaves.keys().any(|leaf| leaf.starts_with(&start))
    }

    fn unknown(&mut self, key: &str, origin: &Origin) {
        let near = nearest(key, self.leaves.keys().cloned());
        self.errors.push(format!(
            "{key} is no key of the configuration{near} ({origin})"
        ));
    }

    /// Reads what was gathered; a value that does not fit is named and left out, so that the next
    /// one is found in the same run.
    fn finish(mut self) -> Result<Config, ConfigErrors> {
        let config = loop {
            match read_values(&self.values) {
                Ok(config) => break config,
                Err((key, why)) => {
                    let Some((value, origin)) = self.values.remove(&key) else {
                        self.errors.push(format!("{key}: {why}"));
                        return Err(ConfigErrors(self.errors));
                    };
                    // A number that does not even fit its type is out of bounds first of all.
                    let bounds = self
                        .leaves
                        .get(&key)
                        .and_then(|field| field.bounds.as_ref());
                    self.errors.push(match bounds {
                        Some(bounds) => format!("{key} must be {bounds}, not {value} ({origin})"),
                        None => format!("{key} {why} ({origin})"),
                    });
                }
            }
        };
        for wrong in config.all_wrong() {
            let from = match self.values.get(&wrong.key) {
                Some((_, origin)) => format!(" ({origin})"),
                None => String::new(),
            };
            self.errors
                .push(format!("{} {}{from}", wrong.key, wrong.why));
        }
        if self.errors.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(self.errors))
        }
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let cannot =
        |error: std::io::Error| format!("the configuration {shown} cannot be read: {error}");
    let size_bytes = std::fs::metadata(path).map_err(cannot)?.len();
    if size_bytes > FILE_MAX_BYTES {
        return Err(format!(
            "the configuration {shown} is too large: {size_bytes} bytes"
        ));
    }
    std::fs::read_to_string(path).map_err(cannot)
}

fn read_values(values: &BTreeMap<String, (Value, Origin)>) -> Result<Config, (String, String)> {
    let mut root = Table::new();
    for (key, (value, _)) in values {
        let (sections, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut root;
        for section in sections.split('.') {
            let entry = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            table = entry
                .as_table_mut()
                .expect("leaves have full keys, so no section is a value");
        }
        table.insert(name.to_owned(), value.clone());
    }
    let mut track = serde_path_to_error::Track::new();
    let reader = serde_path_to_error::Deserializer::new(Value::Table(root), &mut track);
    Config::deserialize(reader).map_err(|error| {
        let path = track.path().to_string();
        let key = path.split('[').next().unwrap_or(&path).to_owned();
        (key, error.message().trim().to_owned())
    })
}

/// `; did you mean x?` if something is only a slip away.
fn nearest(wrong: &str, known: impl Iterator<Item = String>) -> String {
    known
        .map(|name| (distance(wrong, &name), name))
        .min()
        .filter(|(slips, _)| *slips <= 3)
        .map(|(_, name)| format!("; did you mean {name}?"))
        .unwrap_or_default()
}

/// Letters to change, add or take away (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
