package Sioemit::Decoder::MessagePack;

use strict;
use warnings;
no warnings 'recursion';    # it is bounded by MAX_LEVELS

use parent 'Sioemit::Decoder';

use Sioemit::Binary  ();
use Sioemit::Decoder ();
use Sioemit::Error   qw(refuse);

# What a value is by its first byte: how to read it, and the size and the form of the number behind that byte.
my %NUMBERS = (
    0xca => [4, 'f>'],
    0xcb => [8, 'd>'],
    0xcc => [1, 'C'],
    0xcd => [2, 'n'],
    0xce => [4, 'N'],
    0xcf => [8, 'Q>'],
    0xd0 => [1, 'c'],
    0xd1 => [2, 's>'],
    0xd2 => [4, 'l>'],
    0xd3 => [8, 'q>'],
);
my %SIZED = (
    0xc4 => [binary    => 1, 'C'],
    0xc5 => [binary    => 2, 'n'],
    0xc6 => [binary    => 4, 'N'],
    0xc7 => [extension => 1, 'C'],
    0xc8 => [extension => 2, 'n'],
    0xc9 => [extension => 4, 'N'],
    0xd9 => [text      => 1, 'C'],
    0xda => [text      => 2, 'n'],
    0xdb => [text      => 4, 'N'],
    0xdc => [array     => 2, 'n'],
    0xdd => [array     => 4, 'N'],
    0xde => [object    => 2, 'n'],
    0xdf => [object    => 4, 'N'],
);
my %EXTENSIONS = (0xd4 => 1, 0xd5 => 2, 0xd6 => 4, 0xd7 => 8, 0xd8 => 16);

# What JavaScript's undefined is: of a member, nothing; of anything else, null.
my $UNDEFINED = \'undefined';

sub decode {
    my ($class, $bytes) = @_;
    my $value = $class->SUPER::decode($bytes);
    return _is_undefined($value) ? undef : $value;
}

sub end {
    my ($self) = @_;
    refuse('unreadable', 'there is more behind the value') if $self->{at} != length $self->{in};
    return;
}

sub value {
    my ($self, $depth) = @_;
    $self->spend(Sioemit::Decoder::SCALAR_COST);
    my $first = ord $self->take(1);
    return $first                                if $first < 0x80;
    return $first - 0x100                        if $first >= 0xe0;
    return $self->text($first & 0x1f)            if $first >= 0xa0 && $first < 0xc0;
    return $self->array($first & 0x0f, $depth)   if $first >= 0x90 && $first < 0xa0;
    return $self->object($first & 0x0f, $depth)  if $first < 0x90;
    return                                       if $first == 0xc0;
    return Sioemit::Decoder::boolean($first & 1) if $first == 0xc2 || $first == 0xc3;
    return $self->extension($EXTENSIONS{$first}) if $EXTENSIONS{$first};

    if (my $number = $NUMBERS{$first}) {
        return Sioemit::Decoder::finite(unpack $number->[1], $self->take($number->[0]));
    }
    my ($method, $size, $form) = @{ $SIZED{$first} || refuse('unreadable', 'no value starts with this byte') };
    return $self->$method(unpack($form, $self->take($size)), $depth);
}

# take returns the next bytes.
sub take {
    my ($self, $n) = @_;
    refuse('unreadable', 'it ends too early') if $n > length($self->{in}) - $self->{at};
    my $bytes = substr $self->{in}, $self->{at}, $n;
    $self->{at} += $n;
    return $bytes;
}

sub text {
    my ($self, $n) = @_;
    $self->spend(Sioemit::Decoder::TEXT_COST + $n);
    return Sioemit::Decoder::characters($self->take($n));
}

sub binary {
    my ($self, $n) = @_;
    $self->spend(Sioemit::Decoder::TEXT_COST + $n);
    return Sioemit::Binary->new($self->take($n));
}

sub array {
    my ($self, $n, $depth) = @_;
    $self->open_level($depth);
    $self->spend(Sioemit::Decoder::ARRAY_COST);
    my @array;
    for (1 .. $n) {
        my $item = $self->value($depth + 1);
        push @array, _is_undefined($item) ? undef : $item;
    }
    return \@array;
}

# object keeps the last value of a key that comes twice, as JavaScript does.
sub object {
    my ($self, $n, $depth) = @_;
    $self->open_level($depth);
    $self->spend(Sioemit::Decoder::OBJECT_COST);
    my %object;
    for (1 .. $n) {
        my $key = $self->value($depth + 1);
        $key = $key->bytes if ref $key && $key->isa('Sioemit::Binary');
        refuse('unreadable', 'a key is no text') if !defined $key || ref $key;
        $self->spend(Sioemit::Decoder::MEMBER_COST);
        $object{$key} = $self->value($depth + 1);
        delete $object{$key} if _is_undefined($object{$key});
    }
    return \%object;
}

sub _is_undefined {
    my ($value) = @_;
    return ref $value eq 'SCALAR';
}

# extension reads a Date, in the form of the MessagePack specification, and what notepack.io 2, the encoder of adapters
# before 8, writes as type 0: undefined, a Date, an ArrayBuffer. Any other one arrives as an array of its type and bytes.
sub extension {
    my ($self, $n) = @_;
    my $type  = unpack 'c', $self->take(1);
    my $bytes = $self->binary($n)->bytes;
    return _timestamp($bytes)                          if $type == -1 && ($n == 4 || $n == 8 || $n == 12);
    return [$type, Sioemit::Binary->new($bytes)]       if $type;
    return $UNDEFINED                                  if $bytes eq "\0";
    return Sioemit::Decoder::date(unpack 'q>', $bytes) if $n == 8 && abs unpack('q>', $bytes) <= 8.64e15;
    return Sioemit::Binary->new($bytes);
}

sub _timestamp {
    my ($bytes) = @_;
    my ($nanoseconds, $seconds) = length $bytes == 12 ? unpack 'Nq>', $bytes : (0, unpack 'N', $bytes);
    if (length $bytes == 8) {
        my $both = unpack 'Q>', $bytes;
        ($nanoseconds, $seconds) = ($both >> 34, $both & 2**34 - 1);
    }
    return Sioemit::Decoder::date(1000 * $seconds + int($nanoseconds / 1e6));
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Decoder::MessagePack - an answer in MessagePack

=head1 METHODS

=head2 decode

Returns what a client would receive of it: binary is a L<Sioemit::Binary>, a Date is its text.

=head2 value

=head2 end

=head2 take

=head2 text

=head2 binary

=head2 array

=head2 object

=head2 extension

=cut
