//! Lines as they are typed: with an editor where there is a terminal, plainly from a pipe. Knows no command.

use anyhow::Context as _;
use rustyline::{Config, Editor, error::ReadlineError, history::MemHistory};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines, Stdin},
    sync::mpsc,
};

use super::screen::Above;

/// Where lines come from.
pub(super) enum Input {
    /// The editor lives in a thread of its own; it is given prompts and gives lines.
    Terminal {
        prompts: mpsc::UnboundedSender<String>,
        lines: mpsc::UnboundedReceiver<String>,
    },
    Pipe(Lines<BufReader<Stdin>>),
}

impl Input {
    /// The input, and for a terminal what prints above the line that is being typed.
    pub(super) fn open() -> anyhow::Result<(Self, Option<Above>)> {
        if !rustix::termios::isatty(std::io::stdin()) || !rustix::termios::isatty(std::io::stdout()) {
            return Ok((Self::Pipe(BufReader::new(tokio::io::stdin()).lines()), None));
        }
        let editor = Editor::<(), MemHistory>::with_history(Config::default(), MemHistory::new());
        let mut editor = editor.context("the terminal cannot be edited in")?;
        let above = editor.create_external_printer().context("the terminal cannot be printed to")?;
        let (prompts, mut asked) = mpsc::unbounded_channel::<String>();
        let (typed, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            while let Some(prompt) = asked.blocking_recv() {
                let line = match editor.readline(&prompt) {
                    Ok(line) => line,
                    Err(ReadlineError::Interrupted | ReadlineError::Eof) => return,
                    Err(error) => return tracing::error!(%error, "the terminal cannot be read"),
                };
                // A history that cannot be kept is not worth a word.
                let _kept = editor.add_history_entry(&line);
                if typed.send(line).is_err() {
                    return;
                }
            }
        });
        Ok((Self::Terminal { prompts, lines }, Some(Box::new(above))))
    }

    /// Asks for the next line.
    pub(super) fn prompt(&self, text: &str) {
        match self {
            Self::Terminal { prompts, .. } => drop(prompts.send(text.to_owned())),
            Self::Pipe(_) => {}
        }
    }

    /// The line that was asked for; None: there are no more. May be cancelled.
    pub(super) async fn next(&mut self, prompt: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Terminal { lines, .. } => Ok(lines.recv().await),
            Self::Pipe(lines) => {
                let line = lines.next_line().await?;
                // Nobody sees what comes through a pipe: it is written where it would have been typed.
                if let Some(line) = &line {
                    println!("\n{prompt}{line}");
                }
                Ok(line)
            }
        }
    }
}
