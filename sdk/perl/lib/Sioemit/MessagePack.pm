package Sioemit::MessagePack;

use strict;
use warnings;
no if $] >= 5.035, warnings => 'experimental::builtin';

no warnings 'recursion';    # it is bounded by MAX_LEVELS

use parent 'Sioemit::Encoder';

use Sioemit::Encoder ();

# Objects mostly have the same keys. The bound is for those that make up keys.
my %KEYS;
use constant MAX_KEYS => 1000;

# value does what Sioemit::Encoder does, with less ado for what most values are made of: ASCII, small numbers, arrays
# and objects.
sub value {
    my ($self, $value, $depth) = @_;
    my $type = ref $value;
    if ($type eq '') {
        return $self->null if !defined $value;
        if (Sioemit::Encoder::is_number($value)) {
            return $self->number($value) if $value < 0 || $value >= 0x80 || $value != int $value;
            $self->{out} .= chr $value;
            return $value != 0;
        }
        my $n = length $value;

        # Perl's own booleans are '' and '1'.
        if ($n == 0 || $value eq '1' || $n >= 0x20 || $value =~ tr/\x00-\x7F//c || utf8::is_utf8($value)) {
            return $self->SUPER::value($value, $depth);
        }
        $self->{out} .= chr(0xa0 | $n) . $value;
        return 1;
    }
    if ($depth < Sioemit::Encoder::MAX_LEVELS && ($type eq 'ARRAY' || $type eq 'HASH' && !tied %$value)) {
        if ($type eq 'ARRAY') {
            $self->begin_array(scalar @$value);
            for my $item (@$value) {
                value($self, $item, $depth + 1);    # a call by name is faster than one of a method
            }
            return 1;
        }
        my @keys = sort keys %$value;
        $self->begin_object(scalar @keys);
        for my $key (@keys) {
            $self->{out} .= $KEYS{$key} // return $self->_rest(\@keys, $key, $value, $depth);
            value($self, $value->{$key}, $depth + 1);
        }
        return 1;
    }
    return $self->SUPER::value($value, $depth);
}

# _rest writes an object from a key on that was not met before, or is a special one.
sub _rest {
    my ($self, $keys, $from, $object, $depth) = @_;
    shift @$keys while $keys->[0] ne $from;
    for my $key (@$keys) {
        $self->member($key, $object->{$key}, $depth + 1);
        next if length $key >= 0x20 || $key =~ tr/\x00-\x7F//c || utf8::is_utf8($key) || $self->is_special($key);
        $KEYS{$key} = chr(0xa0 | length $key) . $key if keys %KEYS < MAX_KEYS;
    }
    return 1;
}

# Always the shortest form, as notepack.io has it, the encoder of the official emitter and adapters.

sub null {
    $_[0]{out} .= "\xc0";
    return 0;
}

sub boolean {
    my ($self, $value) = @_;
    $self->{out} .= $value ? "\xc3" : "\xc2";
    return $value;
}

sub integer {
    my ($self, $n) = @_;
    $self->{out} .=
          $n >= 0
        ? $n < 0x80
            ? chr $n
            : $n < 0x100 ? pack('CC', 0xcc, $n)
        : $n < 0x10000 ? pack('Cn', 0xcd, $n)
        : $n < 2**32   ? pack('CN', 0xce, $n)
        : pack('CQ>', 0xcf, $n)
        : $n >= -0x20        ? pack('c',   $n)
        : $n >= -0x80        ? pack('Cc',  0xd0, $n)
        : $n >= -0x8000      ? pack('Cs>', 0xd1, $n)
        : $n >= -0x8000_0000 ? pack('Cl>', 0xd2, $n)
        :                      pack('Cq>', 0xd3, $n);
    return;
}

sub float {
    my ($self, $number) = @_;
    $self->{out} .= pack 'Cd>', 0xcb, $number;
    return;
}

sub text {
    my ($self, $bytes) = @_;
    $self->{out} .= packed($bytes);
    return $bytes ne '';
}

# packed returns text, as UTF-8, in MessagePack.
sub packed {
    my ($bytes) = @_;
    my $n = length $bytes;
    return chr(0xa0 | $n) . $bytes if $n < 0x20;
    return ($n < 0x100 ? pack('CC', 0xd9, $n) : $n < 0x10000 ? pack('Cn', 0xda, $n) : pack 'CN', 0xdb, $n) . $bytes;
}

sub key { return $_[0]->text($_[1]) }

sub binary {
    my ($self, $bytes) = @_;
    my $n = length $bytes;
    $self->{out} .=
        ($n < 0x100 ? pack('CC', 0xc4, $n) : $n < 0x10000 ? pack('Cn', 0xc5, $n) : pack 'CN', 0xc6, $n) . $bytes;
    return;
}

sub begin_array {
    my ($self, $n) = @_;
    $self->{out} .= $n < 0x10 ? chr(0x90 | $n) : $n < 0x10000 ? pack('Cn', 0xdc, $n) : pack 'CN', 0xdd, $n;
    return;
}

sub begin_object {
    my ($self, $n) = @_;
    $self->{out} .= $n < 0x10 ? chr(0x80 | $n) : $n < 0x10000 ? pack('Cn', 0xde, $n) : pack 'CN', 0xdf, $n;
    return;
}

sub end_array  { return }
sub end_object { return }
sub separator  { return }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::MessagePack - values as MessagePack

=head1 DESCRIPTION

The writer of L<Sioemit::Encoder> for all that goes to servers in MessagePack.

=head1 METHODS

=head2 value

=head2 null

=head2 boolean

=head2 integer

=head2 float

=head2 text

=head2 key

=head2 binary

=head2 begin_array

=head2 begin_object

=head2 end_array

=head2 end_object

=head2 separator

=head1 FUNCTIONS

=head2 packed

=cut
