use strict;
use warnings;
use utf8;
no if $] >= 5.035, warnings => 'experimental::builtin';

use Test::More;

use JSON::PP ();

use Sioemit                       qw(bin);
use Sioemit::Decoder::JSON        ();
use Sioemit::Decoder::MessagePack ();
use Sioemit::Encoder              ();
use Sioemit::JSON                 ();
use Sioemit::MessagePack          ();

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

sub decoded {
    my ($format, $bytes) = @_;
    return "Sioemit::Decoder::$format"->decode($bytes);
}

sub refused {
    my ($format, $bytes, $like, $name) = @_;
    my $done = eval { decoded($format, $bytes); 1 };
    ok(!$done, "$name is refused");
    like($@, $like, "$name: the message");
    return;
}

subtest 'what is encoded' => sub {
    my @values = (
        undef, $true, $false, '', 'a' x 31, 'é☃', 'a' x 40, 'ü' x 200, 'a' x 70_000, [], {}, [1] x 20, [(1) x 70_000],
        { map { ("k$_" => [$_]) } 1 .. 70_000 },
        { a => { b => [{}] } },
        map { ($_, -$_) } 0,   1, 31, 33, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**31, 2**32,
        9_007_199_254_740_991, 0.5,
        1e300,
    );
    for my $format (qw(JSON MessagePack)) {
        my $encoder = "Sioemit::$format"->new;
        $encoder->value(\@values, 0);
        is_deeply(decoded($format, $encoder->bytes), \@values, "is decoded from $format");
    }
    my $binary = Sioemit::MessagePack->new;
    $binary->value([bin(''), bin("\xff\x00"), bin('x' x 300), bin('x' x 70_000)], 0);
    is_deeply(decoded(MessagePack => $binary->bytes),
        [bin(''), bin("\xff\x00"), bin('x' x 300), bin('x' x 70_000)], 'binary');
    for my $number (decoded(JSON => '[5,"5"]'), decoded(MessagePack => "\x92\x05\xa15")) {
        ok(Sioemit::Encoder::is_number($number->[0]),  'a number is one');
        ok(!Sioemit::Encoder::is_number($number->[1]), 'text is none');
    }
};

subtest 'what servers write otherwise' => sub {
    my @json = (
        ['{"type":"Buffer","data":[0,255]}',                      bin("\x00\xff")],
        ['{"type":"Buffer","data":[256]}',                        { type => 'Buffer', data => [256] }],
        ['{"type":"Buffer","data":["1"]}',                        { type => 'Buffer', data => ['1'] }],
        ['{"type":"Buffer","data":[],"n":1}',                     { type => 'Buffer', data => [], n => 1 }],
        ['{"type":null,"data":[]}',                               { type => undef,    data => [] }],
        [' [ 1 , { "a" : 2 } ] ',                                 [1, { a => 2 }]],
        ['["\\u00e9\\n\\"\\\\\\/\\ud83d\\ude00\\ud800\\udc"]',    undef],
        ['["\\u00e9\\n\\"\\\\\\/\\ud83d\\ude00\\ud800x\\udc00"]', ["é\n\"\\/\x{1F600}\x{FFFD}x\x{FFFD}"]],
        ["[\"\xc3\xa9\xff\"]",                                    ["é\x{FFFD}"]],
        ['[1e400,-0.5e-1,12e2]',                                  [undef, -0.05, 1200]],
        ['{"a":1,"a":2}',                                         { a => 2 }],
    );
    for my $case (@json) {
        my ($text, $value) = @$case;
        defined $value
            ? is_deeply(decoded(JSON => $text), $value, $text)
            : refused(JSON => $text, qr/a string is broken/, $text);
    }
    my @messagepack = (
        [
            'd7ff' . unpack('H*', pack 'Q>', 500_000_000 << 34 | 1_767_323_045) => '2026-01-02T03:04:05.500Z',
            'a timestamp of 64 bits'
        ],
        ['d6ff69573365'                   => '2026-01-02T02:54:29.000Z', 'a timestamp of 32 bits'],
        ['c70cff1dcd6500ffffffffffffffff' => '1969-12-31T23:59:59.500Z', 'one before 1970, of 96 bits'],
        ['c70cff000000007fffffffffffffff' => undef,                      'one that no Date is'],
        ['d700000000000000002a'           => '1970-01-01T00:00:00.042Z', 'a Date of notepack.io 2'],
        ['d7007fffffffffffffff'           => bin("\x7f" . "\xff" x 7),   'an ArrayBuffer of eight bytes'],
        ['c70300010203'                   => bin("\x01\x02\x03"),        'another ArrayBuffer'],
        ['d40000'                         => undef,                      'undefined'],
        ['92d4000001'                     => [undef, 1],                 'undefined in an array'],
        ['82a161d40000a16201'             => { b => 1 },                 'undefined in an object'],
        ['d40501'                         => [5, bin("\x01")],           'another extension'],
        ['ca3fc00000'                     => 1.5,                        'a float of 32 bits'],
        ['cb7ff8000000000000'             => undef,                      'NaN'],
        ['8205a161c4016201'               => { 5 => 'a', b => 1 },       'keys that are no text'],
        ['a2c3ff'                         => "\x{FFFD}\x{FFFD}",         'broken text'],
    );
    for my $case (@messagepack) {
        my ($hex, $value, $name) = @$case;
        is_deeply(decoded(MessagePack => pack 'H*', $hex), $value, $name);
    }
};

subtest 'what cannot be read' => sub {
    refused(JSON => $_, qr/\w/, "JSON $_")
        for '', '{', '[1', '[1,]', '{"a"}', '{"a":1,}', '{a:1}', '[01]', '"a', "\"\n\"",
        '"\\x"', 'nul', '[1] 2', '+1', '1.';
    refused(MessagePack => pack('H*', $_), qr/\w/, "MessagePack $_")
        for '', 'c1', 'a261', '92c0', '81a161', 'dd', 'c502', 'ddffffffff',
        'dfffffffff', 'c6ffffffff', 'dbffffffff', 'd5ff01', '81c0c0', '8190c0', 'c0c0';
    my %nested = (JSON => ['[', ']', '{"a":', '}'], MessagePack => ["\x91", '', "\x81\xa1a", '']);
    for my $format (sort keys %nested) {
        my ($array, $end, $object, $close) = @{ $nested{$format} };
        my $leaf = $format eq 'JSON' ? '1' : "\x01";
        ok(decoded($format, $array x 1000 . $leaf . $end x 1000), "1000 levels of $format");
        refused($format, $array x 1001 . $leaf . $end x 1001,    qr/deeper than 1000/, "one more of $format");
        refused($format, $object x 1001 . $leaf . $close x 1001, qr/deeper than 1000/, "one more object of $format");
    }
    refused(JSON        => '[' . join(',', ('{}') x 300_000) . ']',   qr/far more memory/, 'JSON that is a bomb');
    refused(MessagePack => "\xdd\x00\x04\x93\xe0" . "\x80" x 300_000, qr/far more memory/, 'MessagePack that is one');
};

done_testing;
