//! What a value becomes: as `serde_json` has it, but for bytes.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]

use std::collections::{BTreeMap, HashMap};

use rmpv::Value;
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use serde_bytes::{ByteBuf, Bytes};
use serde_json::{Value as Json, json};
use sioemit::{Codec, Emitter, Error, Options, Reason, Spread};

use crate::redis_server::{Listener, Redis};

struct Stage {
    _redis: Redis,
    io: Emitter<redis::Connection>,
    json: Emitter<redis::Connection>,
    listener: Listener,
}

impl Stage {
    fn new() -> Self {
        let redis = Redis::start(&[]);
        Self {
            io: Emitter::new(redis.connection()),
            json: Emitter::with_options(redis.connection(), Options::new().codec(Codec::Json)).unwrap(),
            listener: redis.listener(),
            _redis: redis,
        }
    }

    fn arrives(&mut self, value: &impl Serialize) -> Value {
        self.io.emit("ev", value).unwrap();
        self.listener.args().remove(0)
    }

    /// Both forms of a message carry what `serde_json` makes of the value.
    fn arrives_as_json(&mut self, value: &impl Serialize) {
        let text = serde_json::to_string(value).unwrap();
        let want = as_javascript(serde_json::from_str(&text).unwrap());
        assert_eq!(as_javascript(to_json(&self.arrives(value))), want);
        self.json.emit("ev", value).unwrap();
        let payload: Json = serde_json::from_slice(&self.listener.raw().1).unwrap();
        assert_eq!(as_javascript(payload[1]["data"][1].clone()), want);
    }

    fn refuses(&self, value: &impl Serialize) -> Error {
        self.io.emit("ev", value).unwrap_err()
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(b) => json!(b),
        Value::Integer(n) => n.as_i64().map_or_else(|| json!(n.as_u64()), |n| json!(n)),
        Value::F64(n) => json!(n),
        Value::String(text) => json!(text.as_str().unwrap()),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Map(members) => {
            members.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value))).collect()
        }
        other => panic!("{other} is not JSON"),
    }
}

/// Numbers as JavaScript has them, which are all float64.
fn as_javascript(value: Json) -> Json {
    match value {
        Json::Number(n) => json!(n.as_f64().unwrap() + 0.0),
        Json::Array(items) => items.into_iter().map(as_javascript).collect(),
        Json::Object(members) => members.into_iter().map(|(key, value)| (key, as_javascript(value))).collect(),
        other => other,
    }
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Shape {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { a: u8, b: Option<u8> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Tagged {
    OrderPaid { id: u64 },
    Nothing,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Untagged {
    Number(i32),
    Text(String),
}

#[derive(Serialize)]
struct Order {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip)]
    _secret: (),
    #[serde(rename = "user-name")]
    user: &'static str,
    #[serde(flatten)]
    rest: BTreeMap<&'static str, Json>,
}

#[test]
fn everything_as_serde_json_has_it() {
    let mut stage = Stage::new();
    stage.arrives_as_json(&());
    stage.arrives_as_json(&Unit);
    stage.arrives_as_json(&Newtype(1));
    stage.arrives_as_json(&Pair(1, "a"));
    stage.arrives_as_json(&[Shape::Unit, Shape::Newtype(1), Shape::Tuple(1, 2), Shape::Struct { a: 1, b: None }]);
    stage.arrives_as_json(&[Tagged::OrderPaid { id: 7 }, Tagged::Nothing]);
    stage.arrives_as_json(&[Untagged::Number(-1), Untagged::Text("a".into())]);
    for note in [None, Some("é \u{1F600} \"\\\n\t\u{0}\u{7f}".to_owned())] {
        let rest = BTreeMap::from([("x", json!([1, {"y": null}])), ("z", json!(0.5))]);
        stage.arrives_as_json(&Order { id: 1, note, _secret: (), user: "Ada", rest });
    }
    stage.arrives_as_json(&(Some(1), None::<u8>, 'x', "text", String::from("text"), true, false));
    stage.arrives_as_json(&vec![1u8, 2, 255]); // an array of numbers, as in JSON
    stage.arrives_as_json(&HashMap::from([("a", 1)]));
    stage.arrives_as_json(&vec![vec![(); 20]; 20]);
    stage.arrives_as_json(&(0..70_000).collect::<Vec<u32>>());
    stage.arrives_as_json(&(0..300).map(|n| (n.to_string(), n)).collect::<BTreeMap<_, _>>());
    for length in [0, 31, 32, 255, 256, 65_535, 65_536] {
        stage.arrives_as_json(&"x".repeat(length));
    }
    stage.arrives_as_json(&std::net::Ipv4Addr::LOCALHOST);
    stage.arrives_as_json(&std::time::Duration::from_millis(1500));
}

#[test]
fn numbers() {
    let mut stage = Stage::new();
    for bits in 0..64 {
        for near in [-1, 0, 1] {
            let n = (1i64 << bits).wrapping_add(near);
            stage.arrives_as_json(&(n, n.wrapping_neg(), n as u64));
        }
    }
    stage.arrives_as_json(&(i8::MIN, i16::MIN, i32::MIN, i64::MIN, u64::MAX, u8::MAX, u16::MAX, u32::MAX));
    stage.arrives_as_json(&[0.1, -0.0, 1e300, 5e-324, 1e21, 2f64.powi(53), 2f64.powi(54), 0.1 + 0.2]);
    // Those of the smallest size, integers also where they were floats.
    for (value, want) in
        [(json!(1.0), 1i64.into()), (json!(-0.0), 0.into()), (json!(9e15), 9_000_000_000_000_000u64.into())]
    {
        assert_eq!(stage.arrives(&value), want);
    }
    let two_53 = 1i64 << 53;
    assert_eq!(stage.arrives(&two_53), two_53.into());
    assert_eq!(stage.arrives(&(two_53 + 1)), Value::F64(9_007_199_254_740_992.0));
    assert_eq!(stage.arrives(&0.1f32), Value::F64(0.1));
    stage.arrives_as_json(&[16_777_216f32, 1_234_567_936f32, 1e10, 1e20, -0.0, 5.5]);
    assert_eq!(stage.arrives(&1_234_567_936f32), 1_234_568_000.into());
    assert_eq!(stage.arrives(&f32::MAX), Value::F64(3.402_823_5e38));
    assert_eq!(stage.arrives(&(1u128, -1i128)), Value::Array(vec![1.into(), (-1).into()]));
    assert_eq!(stage.arrives(&u128::MAX), Value::F64(2f64.powi(128)));
    assert_eq!(stage.arrives(&i128::MIN), Value::F64(-2f64.powi(127)));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(stage.refuses(&value).reason(), Reason::Unencodable);
        assert_eq!(stage.refuses(&[value as f32]).reason(), Reason::Unencodable);
    }
}

#[test]
fn bytes_arrive_as_binary() {
    let mut stage = Stage::new();
    assert_eq!(stage.arrives(&Bytes::new(b"\0\xff")), Value::Binary(vec![0, 255]));
    assert_eq!(stage.arrives(&[ByteBuf::from("a")]), Value::Array(vec![Value::Binary(b"a".to_vec())]));
    for length in [0, 255, 256, 65_535, 65_536] {
        assert_eq!(stage.arrives(&ByteBuf::from(vec![7; length])), Value::Binary(vec![7; length]));
    }
    let err = stage.json.emit("ev", Bytes::new(b"x") as &Bytes).unwrap_err();
    assert_eq!(err.reason(), Reason::BinaryInJson);
    assert_eq!(stage.refuses(&vec![Bytes::new(b"x"); 11]).reason(), Reason::Unencodable);
    assert_eq!(stage.arrives(&vec![Bytes::new(b"x"); 10]).as_array().unwrap().len(), 10);
}

#[test]
fn keys_as_serde_json_has_them() {
    struct Float<T>(T);
    impl<T: Serialize> Serialize for Float<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry(&self.0, "value")?;
            map.end()
        }
    }
    let mut stage = Stage::new();
    stage.arrives_as_json(&BTreeMap::from([(true, 1), (false, 0)]));
    stage.arrives_as_json(&BTreeMap::from([(i128::MIN, 1), (-5, 0)]));
    stage.arrives_as_json(&BTreeMap::from([(u64::MAX, 1)]));
    stage.arrives_as_json(&BTreeMap::from([('x', 1)]));
    stage.arrives_as_json(&BTreeMap::from([(Some("x"), 1)]));
    stage.arrives_as_json(&BTreeMap::from([(Shape::Unit, 1)]));
    for float in [1.0, 0.1, -0.0, 1e15, 1e16, 1e17, 123_456.789, 1e-4, 1e-5, 1e-6, 1e-7, 5e-324, 1e300] {
        stage.arrives_as_json(&Float(float));
        stage.arrives_as_json(&Float((float as f32).min(1e30)));
    }
    macro_rules! refused {
        ($($key:expr),*) => {$(
            assert!(serde_json::to_string(&Float($key)).is_err());
            assert_eq!(stage.refuses(&Float($key)).reason(), Reason::Unencodable);
        )*};
    }
    refused!((), None::<u8>, Unit, Pair(1, "a"), [1], Bytes::new(b"a"), Shape::Newtype(1), Shape::Tuple(1, 2));
    refused!(Shape::Struct { a: 1, b: None }, BTreeMap::<u8, u8>::new(), f64::NAN, f32::INFINITY);
}

#[test]
fn lengths_that_a_serializer_was_told_wrong() {
    struct Wrong(Option<usize>, usize);
    impl Serialize for Wrong {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(self.0)?;
            for n in 0..self.1 {
                seq.serialize_element(&BTreeMap::from([(n, n)]))?;
            }
            seq.end()
        }
    }
    let mut stage = Stage::new();
    for told in [None, Some(0), Some(3), Some(20), Some(70_000)] {
        for length in [0, 3, 15, 16, 70_000] {
            let want: Vec<Json> = (0..length).map(|n| json!({n.to_string(): n})).collect();
            assert_eq!(to_json(&stage.arrives(&Wrong(told, length))), Json::from(want));
        }
    }
}

/// A value in so many levels.
enum Nested {
    Arrays(usize),
    Objects(usize),
    Variants(usize),
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Arrays(0) | Self::Objects(0) | Self::Variants(0) => serializer.serialize_unit(),
            Self::Arrays(levels) => [Self::Arrays(levels - 1)].serialize(serializer),
            Self::Objects(levels) => serializer.collect_map([("a", Self::Objects(levels - 1))]),
            Self::Variants(levels) => {
                serializer.serialize_newtype_variant("Nested", 0, "a", &Self::Variants(levels - 1))
            }
        }
    }
}

#[test]
fn levels() {
    let mut stage = Stage::new();
    for kind in [Nested::Arrays, Nested::Objects, Nested::Variants] {
        stage.io.emit("ev", &kind(1000)).unwrap();
        assert!(stage.listener.raw().1.len() > 1000);
        stage.json.emit("ev", &kind(1000)).unwrap();
        assert!(stage.listener.raw().1.len() > 2000);
        for levels in [1001, 1_000_000] {
            assert_eq!(stage.refuses(&kind(levels)).reason(), Reason::TooDeep);
        }
    }
    // Levels beside each other do not add up.
    let wide: Vec<_> = (0..3).map(|_| Nested::Arrays(999)).collect();
    stage.io.emit("ev", Spread((&wide, &wide))).unwrap();
}

/// As wide as structs get, with the next level in its last field.
#[derive(Serialize, Default)]
#[rustfmt::skip]
struct Wide {
    a: u8, b: u16, c: u32, d: u64, e: i8, f: i16, g: i32, h: i64, i: f32, j: f64,
    k: bool, l: char, m: String, n: Option<String>, o: Box<str>, p: (), q: Option<u64>, r: f64, s: Option<u8>,
    next: Option<Box<Wide>>,
}

impl Wide {
    fn nested(levels: usize) -> Self {
        (1..levels).fold(Self::default(), |next, _| Self { next: Some(Box::new(next)), ..Self::default() })
    }
}

/// Runs it on the stack that threads and workers of tokio have.
fn on_a_thread(run: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, run).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn levels_of_wide_structs_fit_the_stack_of_a_thread() {
    let mut stage = Stage::new();
    on_a_thread(|| {
        let deepest = Wide::nested(1000);
        stage.io.emit("ev", &deepest).unwrap();
        assert!(stage.listener.raw().1.len() > 1000 * 20);
        stage.json.emit("ev", &deepest).unwrap();
        assert!(stage.listener.raw().1.len() > 2000 * 20);
        assert_eq!(stage.refuses(&Wide::nested(1001)).reason(), Reason::TooDeep);
    });
}

#[test]
fn a_value_without_end_is_too_deep() {
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct("Endless", 1)?;
            fields.serialize_field("next", &Endless)?;
            fields.end()
        }
    }
    let stage = Stage::new();
    on_a_thread(|| assert_eq!(stage.refuses(&Endless).reason(), Reason::TooDeep));
}

#[test]
fn a_value_that_holds_itself_ends_as_too_deep() {
    use std::cell::RefCell;
    use std::rc::Rc;
    #[derive(Serialize)]
    struct Node {
        #[serde(serialize_with = "next")]
        next: RefCell<Option<Rc<Node>>>,
    }
    fn next<S: Serializer>(next: &RefCell<Option<Rc<Node>>>, serializer: S) -> Result<S::Ok, S::Error> {
        next.borrow().as_deref().serialize(serializer)
    }
    let node = Rc::new(Node { next: RefCell::new(None) });
    *node.next.borrow_mut() = Some(Rc::clone(&node));
    assert_eq!(Stage::new().refuses(&*node).reason(), Reason::TooDeep);
    node.next.borrow_mut().take();
}

#[derive(Serialize)]
struct Trap<'a> {
    _placeholder: bool,
    data: &'a Bytes,
}

#[derive(Serialize)]
enum Variants<'a> {
    #[serde(rename = "_placeholder")]
    Newtype(&'a Bytes),
    #[serde(rename = "_placeholder")]
    Tuple(&'a Bytes, u8),
    #[serde(rename = "_placeholder")]
    Struct { data: &'a Bytes },
    #[serde(rename = "_placeholders")]
    Other(&'a Bytes, u8),
}

#[test]
fn keys_that_are_traps() {
    let mut stage = Stage::new();
    let beside = |key: &str, value: Json| (BTreeMap::from([(key.to_owned(), value)]), Bytes::new(b"x"));
    assert_eq!(stage.refuses(&json!([{"__proto__": 1}])).reason(), Reason::Unencodable);
    for (key, value) in [("hasOwnProperty", json!(1)), ("_placeholder", json!(true)), ("_placeholder", json!([]))] {
        let err = stage.refuses(&beside(key, value));
        assert_eq!(err.reason(), Reason::Unencodable);
        assert!(err.to_string().contains(key), "{err}");
    }
    for value in [json!(false), json!(null), json!(0), json!(0.0), json!("")] {
        stage.arrives(&beside("_placeholder", value));
    }
    stage.arrives_as_json(&json!({"_placeholder": true, "hasOwnProperty": 1, "a_placeholder": 2}));
    assert_eq!(stage.refuses(&Trap { _placeholder: true, data: Bytes::new(b"x") }).reason(), Reason::Unencodable);
    stage.arrives(&Trap { _placeholder: false, data: Bytes::new(b"x") });
    let data = Bytes::new(b"x");
    for variant in [Variants::Newtype(data), Variants::Tuple(data, 1), Variants::Struct { data }] {
        assert_eq!(stage.refuses(&variant).reason(), Reason::Unencodable);
    }
    stage.arrives(&Variants::Other(data, 1));
}

#[test]
fn what_an_implementation_says_against_a_value() {
    struct Wrong;
    impl Serialize for Wrong {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    let err = Stage::new().refuses(&Wrong);
    assert_eq!(err.reason(), Reason::Unencodable);
    assert_eq!(err.to_string(), "argument 1 of event \"ev\": not today");
}
