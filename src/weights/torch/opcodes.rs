//! Pickle opcodes: the supported ones with their operands, and the names of all others for messages.

pub const MARK: u8 = b'(';
pub const STOP: u8 = b'.';
pub const NONE: u8 = b'N';
pub const TRUE: u8 = 0x88;
pub const FALSE: u8 = 0x89;
pub const INT4: u8 = b'J';
pub const INT1: u8 = b'K';
pub const INT2: u8 = b'M';
pub const LONG1: u8 = 0x8a;
pub const FLOAT: u8 = b'G';
pub const UNICODE: u8 = b'X';
/// Strings of Python 2.
pub const SHORT_STRING: u8 = b'U';
pub const STRING: u8 = b'T';
pub const EMPTY_TUPLE: u8 = b')';
pub const TUPLE: u8 = b't';
pub const TUPLE1: u8 = 0x85;
pub const TUPLE2: u8 = 0x86;
pub const TUPLE3: u8 = 0x87;
pub const EMPTY_LIST: u8 = b']';
pub const APPEND: u8 = b'a';
pub const APPENDS: u8 = b'e';
pub const EMPTY_DICT: u8 = b'}';
pub const SET_ITEM: u8 = b's';
pub const SET_ITEMS: u8 = b'u';
pub const GLOBAL: u8 = b'c';
pub const REDUCE: u8 = b'R';
pub const BUILD: u8 = b'b';
pub const PERSISTENT_ID: u8 = b'Q';
pub const GET1: u8 = b'h';
pub const GET4: u8 = b'j';
pub const PUT1: u8 = b'q';
pub const PUT4: u8 = b'r';
pub const PROTOCOL: u8 = 0x80;

/// The operand that follows an opcode.
pub enum Operand {
    /// This many bytes.
    Bytes(usize),
    /// A length in this many bytes, then that many bytes.
    Counted(usize),
    /// Two lines.
    Lines,
}

/// The operand of `code`; `None` if it is not supported.
pub fn operand(code: u8) -> Option<Operand> {
    Some(match code {
        MARK | STOP | NONE | TRUE | FALSE | EMPTY_TUPLE | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | EMPTY_LIST | APPEND
        | APPENDS | EMPTY_DICT | SET_ITEM | SET_ITEMS | REDUCE | BUILD | PERSISTENT_ID => Operand::Bytes(0),
        INT1 | GET1 | PUT1 | PROTOCOL => Operand::Bytes(1),
        INT2 => Operand::Bytes(2),
        INT4 | GET4 | PUT4 => Operand::Bytes(4),
        FLOAT => Operand::Bytes(8),
        LONG1 | SHORT_STRING => Operand::Counted(1),
        UNICODE | STRING => Operand::Counted(4),
        GLOBAL => Operand::Lines,
        _ => return None,
    })
}

/// The names, as in Python's pickletools, of unsupported opcodes.
const OTHERS: &[(u8, &str)] = &[
    (b'0', "POP"),
    (b'1', "POP_MARK"),
    (b'2', "DUP"),
    (b'B', "BINBYTES"),
    (b'C', "SHORT_BINBYTES"),
    (b'F', "FLOAT"),
    (b'I', "INT"),
    (b'L', "LONG"),
    (b'P', "PERSID"),
    (b'S', "STRING"),
    (b'V', "UNICODE"),
    (b'd', "DICT"),
    (b'g', "GET"),
    (b'i', "INST"),
    (b'l', "LIST"),
    (b'o', "OBJ"),
    (b'p', "PUT"),
    (0x81, "NEWOBJ"),
    (0x82, "EXT1"),
    (0x83, "EXT2"),
    (0x84, "EXT4"),
    (0x8b, "LONG4"),
    (0x8c, "SHORT_BINUNICODE"),
    (0x8d, "BINUNICODE8"),
    (0x8e, "BINBYTES8"),
    (0x8f, "EMPTY_SET"),
    (0x90, "ADDITEMS"),
    (0x91, "FROZENSET"),
    (0x92, "NEWOBJ_EX"),
    (0x93, "STACK_GLOBAL"),
    (0x94, "MEMOIZE"),
    (0x95, "FRAME"),
    (0x96, "BYTEARRAY8"),
    (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
];

/// The name of an unsupported opcode.
pub fn name_of(code: u8) -> String {
    let known = OTHERS.iter().find(|(other, _)| *other == code);
    known.map_or_else(|| format!("{code:#04x}"), |(_, name)| (*name).to_owned())
}
