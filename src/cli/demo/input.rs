//! Lines as they are typed: in a terminal with just enough of an editor that what happens meanwhile can be printed above
//! the line, plainly from a pipe. Knows no command.

use std::io::Read as _;

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines, Stdin},
    sync::mpsc,
};

use super::editor::{Editor, Typed};

/// Where lines come from.
pub(super) enum Input {
    Terminal(Terminal),
    Pipe(Lines<BufReader<Stdin>>),
}

/// A terminal that gives every key at once, until this is dropped.
pub(super) struct Terminal {
    before: Termios,
    keys: mpsc::UnboundedReceiver<Vec<u8>>,
    editor: Editor,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}

impl Input {
    pub(super) fn open() -> anyhow::Result<Self> {
        if !isatty(std::io::stdin()) || !isatty(std::io::stdout()) {
            return Ok(Self::Pipe(BufReader::new(tokio::io::stdin()).lines()));
        }
        let before = tcgetattr(std::io::stdin()).context("the terminal does not say how it is")?;
        let mut now = before.clone();
        now.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &now).context("the terminal cannot be edited in")?;
        let (send, keys) = mpsc::unbounded_channel();
        // Ends with the process: reading a terminal cannot be called off.
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(1..) = std::io::stdin().read(&mut bytes).inspect(|n| drop(send.send(bytes[..*n].to_vec()))) {}
        });
        Ok(Self::Terminal(Terminal { before, keys, editor: Editor::default() }))
    }

    /// The next line; None: there are no more. May be cancelled and called again: what was typed so far stays.
    pub(super) async fn next(&mut self, prompt: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Pipe(lines) => {
                let line = lines.next_line().await?;
                // Nobody sees what comes through a pipe: it is written where it would have been typed.
                if let Some(line) = &line {
                    println!("\n{prompt}{line}");
                }
                Ok(line)
            }
            Self::Terminal(terminal) => loop {
                match terminal.editor.step() {
                    Some(Typed::Line(line)) => return Ok(Some(line)),
                    Some(Typed::End) => return Ok(None),
                    None => terminal.editor.draw(prompt),
                }
                match terminal.keys.recv().await {
                    Some(bytes) => terminal.editor.feed(&bytes),
                    None => return Ok(None),
                }
            },
        }
    }

    /// Takes the line that is being typed off the screen; `next` draws it again.
    pub(super) fn clear(&self) {
        if let Self::Terminal(_) = self {
            print!("\r\x1b[J");
        }
    }
}
