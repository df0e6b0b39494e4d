use strict;
use warnings;
use utf8;

use Test::More;

use JSON::PP       ();
use Math::BigFloat ();
use Math::BigInt   ();
use Time::Piece    ();

use Sioemit              qw(bin);
use Sioemit::JSON        ();
use Sioemit::MessagePack ();

package WithTO_JSON {    ## no critic (RequireFilenameMatchesPackage)
    sub new     { return bless $_[1], $_[0] }
    sub TO_JSON { return { is => $_[0][0] } }
}

package Without {
    sub new { return bless {}, shift }
}

sub packed { return unpack 'H*', substr Sioemit::MessagePack->encode('e', [$_[0]], 10)->bytes, 3 }
sub text { return substr Sioemit::JSON->encode('e', [$_[0]], 10)->bytes, 5, -1 }

sub refused {
    my ($reason, $value, $name) = @_;
    for my $format (qw(Sioemit::MessagePack Sioemit::JSON)) {
        my $sent  = eval { $format->encode('e', [1, $value], 10) };
        my $error = $@;
        is($sent,                        undef,   "$name: nothing comes of it in $format");
        is(ref $error && $error->reason, $reason, "$name: the reason in $format");
        like("$error", qr/\Aargument 2 of event "e": .* at \S+values\.t line \d+/, "$name: the message in $format");
    }
    return;
}

subtest 'numbers are those that were made as numbers' => sub {
    my %packed = (
        0                 => '00',
        127               => '7f',
        128               => 'cc80',
        255               => 'ccff',
        256               => 'cd0100',
        65_535            => 'cdffff',
        65_536            => 'ce00010000',
        4_294_967_295     => 'ceffffffff',
        4_294_967_296     => 'cf0000000100000000',
        9007199254740992  => 'cf0020000000000000',
        -1                => 'ff',
        -32               => 'e0',
        -33               => 'd0df',
        -128              => 'd080',
        -129              => 'd1ff7f',
        -32_768           => 'd18000',
        -32_769           => 'd2ffff7fff',
        -2_147_483_648    => 'd280000000',
        -2_147_483_649    => 'd3ffffffff7fffffff',
        -9007199254740992 => 'd3ffe0000000000000',
    );
    is(packed(0 + $_), $packed{$_}, "the number $_") for sort keys %packed;
    is(packed('5'),    'a135',      'text that looks like a number');
    is(packed("5\n"),  'a2350a',    'text with a newline');
    my $read = '5';
    { no warnings 'void'; $read + 0 }
    is(packed($read),                'a135',                  'text that was used as a number');
    is(packed($read + 0),            '05',                    'text that was made a number');
    is(packed(1.0),                  '01',                    'a whole float');
    is(packed(-0.0),                 '00',                    'negative zero');
    is(packed(0.1 + 0.2),            'cb3fd3333333333334',    'a float, with all of its digits');
    is(text(0.1 + 0.2),              '0.30000000000000004',   'also in JSON');
    is(text(1e300),                  '1e+300',                'a large one');
    is(text(5e-324),                 '4.94065645841247e-324', 'and the smallest');
    is(packed(18446744073709551615), 'cb43f0000000000000',    'an integer beyond 2^53 is the nearest float');
    is(packed(Math::BigInt->new('9007199254740993')),     'cf0020000000000000', 'of two, the even one');
    is(packed(Math::BigInt->new('18446744073709551616')), 'cb43f0000000000000', 'so is a Math::BigInt');
    is(packed(Math::BigFloat->new('1.5')),                'cb3ff8000000000000', 'and a Math::BigFloat');
    refused('unencodable', 9**9**9,                            'infinity');
    refused('unencodable', -9**9**9,                           'negative infinity');
    refused('unencodable', -sin(9**9**9),                      'NaN');
    refused('unencodable', Math::BigInt->new('1' . '0' x 400), 'an integer beyond every float');
};

subtest 'text is characters' => sub {
    is(packed("\x{e9}"), 'a2c3a9', 'a character below 256');
    my ($flagged, $plain) = ("\x{e9}", "\x{e9}");
    utf8::upgrade($flagged);
    utf8::downgrade($plain);
    is(packed($flagged),     packed($plain), 'with and without the flag');
    is(packed('😀'),          'a4f09f9880',   'beyond 65,535');
    is(packed("a\x{d800}b"), 'a561efbfbd62', 'half of a surrogate pair becomes U+FFFD');
    { no warnings 'non_unicode'; is(packed("\x{110000}"), 'a3efbfbd', 'what is no character, too') }
    is(packed('x' x 31),           'bf' . '78' x 31,                    '31 bytes');
    is(packed('x' x 32),           'd920' . '78' x 32,                  '32 bytes');
    is(packed('x' x 256),          'da0100' . '78' x 256,               '256 bytes');
    is(packed('x' x 65_536),       'db00010000' . '78' x 65_536,        '65,536 bytes');
    is(text("\"\\\x00\n\x{2028}"), qq{"\\"\\\\\\u0000\\n\xe2\x80\xa8"}, 'escapes');
    my $ascii = 'abc';
    utf8::upgrade($ascii);
    my $bytes = Sioemit::MessagePack->encode('e', [$ascii, bin("\xff")], 10)->bytes;
    is(unpack('H*', $bytes), '93a165a3616263c401ff', 'text with the flag does not garble binary behind it');
};

subtest 'binary' => sub {
    is(packed(bin("\x00\xff")), 'c40200ff',            'bytes');
    is(packed(bin('x' x 256)),  'c50100' . '78' x 256, '256 of them');
    my $upgraded = "\xff";
    utf8::upgrade($upgraded);
    is(packed(bin($upgraded)), 'c401ff', 'bytes that Perl keeps as UTF-8');
    ok(!eval { bin("\x{100}") }, 'characters above 255 are no bytes');
    is($@->reason, 'unencodable', 'and refused');
    ok(!eval { bin(undef) }, 'undef has none');
    my $sent = eval { Sioemit::JSON->encode('e', [bin('x')], 10) };
    is($@->reason, 'binary-in-json', 'JSON carries none');
    my $ten = [map { bin('x') } 1 .. 10];
    is(Sioemit::MessagePack->encode('e', $ten, 10)->binaries, 10, 'ten are allowed');
    ok(!eval { Sioemit::MessagePack->encode('e', [@$ten, bin('x')], 10) }, 'eleven are not');
    is(Sioemit::MessagePack->encode('e', [@$ten, bin('x')], undef)->binaries, 11, 'but to servers');

    for my $trap ({ _placeholder => 1 }, { _placeholder => '0' }, { hasOwnProperty => 0 }) {
        my ($key) = keys %$trap;
        ok(!eval { Sioemit::MessagePack->encode('e', ['a', $trap, bin('x')], 10) }, "$key beside binary");
        like($@, qr/\Aargument 2 of event "e": the key "$key"/, "$key is named");
    }
    ok(eval { Sioemit::MessagePack->encode('e', [{ _placeholder => $_ }, bin('x')], 10) },
        'a false _placeholder is none')
        for 0, '', undef, JSON::PP::false(), \0;
};

subtest 'other values' => sub {
    is(packed(undef),                                'c0',                           'undef');
    is(packed(\1),                                   'c3',                           'a reference to 1');
    is(packed(\0),                                   'c2',                           'a reference to 0');
    is(packed(JSON::PP::true()),                     'c3',                           'true of JSON::PP');
    is(packed(JSON::PP::false()),                    'c2',                           'false of JSON::PP');
    is(packed(!!1),                                  $] < 5.036 ? '01' : 'c3',       'true of Perl');
    is(packed([1, [], {}]),                          '93019080',                     'arrays and objects');
    is(packed([(0) x 16]),                           'dc0010' . '00' x 16,           '16 items');
    is(packed({ b => 1, a => 2 }),                   '82a16102a16201',               'keys are sorted');
    is(text({ b => [1, undef], a => { c => 'd' } }), '{"a":{"c":"d"},"b":[1,null]}', 'in JSON');
    is(text(WithTO_JSON->new(['x'])),                '{"is":"x"}',                   'TO_JSON counts');
    {
        no warnings 'once';
        local *WithTO_JSON::TO_JSON = sub { return };
        is(packed([WithTO_JSON->new([])]), '91c0', 'one that returns nothing is undef')
    }
    {
        no warnings 'redefine';
        local *WithTO_JSON::TO_JSON = sub { $_ = 'mine'; return 1 };
        my $list = [WithTO_JSON->new([]), 2];
        packed($list);
        is(ref $list->[0], 'WithTO_JSON', 'what TO_JSON does to $_ changes nothing')
    }
    is(text(scalar Time::Piece->gmtime(0)),    '"1970-01-01T00:00:00Z"', 'a Time::Piece');
    is(text(scalar Time::Piece->localtime(0)), '"1970-01-01T00:00:00Z"', 'which has a time zone');
    refused('unencodable', Without->new,                'an object without TO_JSON');
    refused('unencodable', sub { },                     'a sub');
    refused('unencodable', \'x',                        'a reference to text');
    refused('unencodable', \\1,                         'a reference to a reference');
    refused('unencodable', qr/x/,                       'a regular expression');
    refused('unencodable', { a => { __proto__ => 1 } }, 'the key __proto__');
};

subtest 'levels and cycles' => sub {
    my $nested = sub {
        my ($levels, $kind) = @_;
        my $value = 1;
        $value = $kind eq 'array' ? [$value] : { a => $value } for 1 .. $levels;
        return $value;
    };
    for my $kind (qw(array object)) {
        like(text($nested->(1000, $kind)), qr/\A[\[\{]/, "1,000 levels of ${kind}s");
        refused('too-deep', $nested->(1001,   $kind), "1,001 levels of ${kind}s");
        refused('too-deep', $nested->(50_000, $kind), "50,000 levels of ${kind}s");
    }
    my $array = [1];
    push @$array, { again => $array };
    refused('unencodable', $array, 'what holds itself');
    like($@ = eval { packed($array) } // $@, qr/it holds itself/, 'and says so');
    @$array = ();
    my $shared = [1];
    is(packed([$shared, $shared]), '9291019101', 'what stands twice does not hold itself');
    my $wide = 1;
    $wide = [$wide, $wide] for 1 .. 10;
    is(length(text($wide)), 4093, 'nor does what stands a thousand times');
    my $object = WithTO_JSON->new([]);
    $object->[0] = $object;
    refused('unencodable', $object, 'a TO_JSON that holds its object');
    @$object = ();
};

done_testing;
