//! What a server answers, read strictly: an answer that makes no sense is a fault, never a default.

use tokio_postgres::SimpleQueryRow;

use super::super::{Fault, FaultKind};

/// One row, as text.
#[derive(Debug, Clone)]
pub(super) struct Row(Vec<Option<String>>);

/// The rows of each statement that has any columns, in order.
#[derive(Debug, Clone)]
pub(super) struct Answer(pub(super) Vec<Vec<Row>>);

impl Answer {
    /// Those of the statement with this number.
    pub(super) fn rows(&self, number: usize) -> Result<&[Row], Fault> {
        self.0.get(number).map(Vec::as_slice).ok_or_else(senseless)
    }

    /// The only row of that statement.
    pub(super) fn row(&self, number: usize) -> Result<&Row, Fault> {
        match self.rows(number)? {
            [row] => Ok(row),
            _ => Err(senseless()),
        }
    }
}

impl Row {
    pub(super) fn of(row: &SimpleQueryRow) -> Result<Self, Fault> {
        let value = |column| row.try_get(column).map(|value: Option<&str>| value.map(str::to_owned)).map_err(|_| senseless());
        (0..row.len()).map(value).collect::<Result<_, _>>().map(Self)
    }

    /// None: it is null.
    pub(super) fn get(&self, column: usize) -> Result<Option<&str>, Fault> {
        self.0.get(column).map(Option::as_deref).ok_or_else(senseless)
    }

    pub(super) fn text(&self, column: usize) -> Result<&str, Fault> {
        self.get(column)?.ok_or_else(senseless)
    }

    pub(super) fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, Fault> {
        self.text(column)?.parse().map_err(|_| senseless())
    }

    pub(super) fn flag(&self, column: usize) -> Result<bool, Fault> {
        match self.text(column)? {
            "t" => Ok(true),
            "f" => Ok(false),
            _ => Err(senseless()),
        }
    }

    /// A name that was asked for with `sql::name`. One that is not UTF-8 is not the name of anything that we could call by it.
    pub(super) fn name(&self, column: usize) -> Result<String, Fault> {
        let hex = self.text(column)?.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let bytes: Option<Vec<u8>> = hex.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect();
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok_or_else(senseless)
    }
}

pub(super) fn senseless() -> Fault {
    Fault::new(FaultKind::Transient, "the database server's answer makes no sense")
}
