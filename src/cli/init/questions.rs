//! Answers that no flag gave: asked on a terminal, or the defaults.

use std::{
    io::{BufRead, Write},
    str::FromStr,
};

use anyhow::{anyhow, bail};

use super::Somebody;

/// A flag's name, and what it was given.
pub(super) type Flag<'a> = (&'a str, Option<&'a str>);

/// Where answers come from that no flag gave.
pub(super) enum Questions<'a> {
    None,
    Asked { from: &'a mut dyn BufRead, to: &'a mut dyn Write },
}

impl Questions<'_> {
    /// The flag if it is there, else the answer, else the default. A wrong answer is asked again, a wrong flag is an error.
    pub(super) fn one<T: FromStr<Err: ToString>>(&mut self, (name, flag): Flag<'_>, question: &str, otherwise: &str) -> anyhow::Result<T> {
        if let Some(flag) = flag {
            return flag.parse().map_err(|why: T::Err| anyhow!("--{name} {flag}: {}", why.to_string()));
        }
        let Self::Asked { from, to } = self else {
            return otherwise.parse().map_err(|why: T::Err| anyhow!("--{name} {otherwise}: {}", why.to_string()));
        };
        loop {
            write!(to, "{question} [{otherwise}] ")?;
            to.flush()?;
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                bail!("the answers ended; nothing was written");
            }
            let answer = if line.trim().is_empty() { otherwise } else { line.trim() };
            match answer.parse() {
                Ok(answer) => return Ok(answer),
                Err(why) => writeln!(to, "  {}", why.to_string())?,
            }
        }
    }

    pub(super) fn several(&mut self, (name, flags): (&str, &[String]), question: &str, otherwise: &str) -> anyhow::Result<Vec<Somebody>> {
        let flag = (!flags.is_empty()).then(|| flags.join(","));
        Ok(self.one::<Several>((name, flag.as_deref()), question, otherwise)?.0)
    }
}

/// People, with commas between them; `everyone` is nobody in particular.
struct Several(Vec<Somebody>);

impl FromStr for Several {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "everyone" {
            return Ok(Self(Vec::new()));
        }
        let mut all: Vec<Somebody> = Vec::new();
        for one in text.split(',') {
            let one: Somebody = one.trim().parse()?;
            if !all.iter().any(|other| other.id == one.id) {
                all.push(one);
            }
        }
        Ok(Self(all))
    }
}
