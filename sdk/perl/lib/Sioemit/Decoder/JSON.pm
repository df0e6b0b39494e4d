package Sioemit::Decoder::JSON;

use strict;
use warnings;
no warnings 'recursion';    # it is bounded by MAX_LEVELS
no if $] >= 5.035, warnings => 'experimental::builtin';

use parent 'Sioemit::Decoder';

use Sioemit::Binary  ();
use Sioemit::Decoder ();
use Sioemit::Encoder ();
use Sioemit::Error   qw(refuse);

# JSON::PP takes integers beyond 2^64 for text, and refuses halves of surrogate pairs, which JSON.stringify writes.

my %ESCAPE = (b => "\b", t => "\t", n => "\n", f => "\f", r => "\r", q{"} => q{"}, '\\' => '\\', '/' => '/');

sub end {
    my ($self) = @_;
    $self->{in} =~ /\G[ \t\r\n]*\z/gc or refuse('unreadable', 'there is more behind the value');
    return;
}

sub value {
    my ($self, $depth) = @_;
    $self->spend(Sioemit::Decoder::SCALAR_COST);
    for ($self->{in}) {
        /\G[ \t\r\n]+/gc;
        return $self->text           if /\G"/gc;
        return $self->object($depth) if /\G\{/gc;
        return $self->array($depth)  if /\G\[/gc;
        return Sioemit::Decoder::finite(0 + $1)
            if /\G(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)/gc;
        return                              if /\Gnull/gc;
        return Sioemit::Decoder::boolean(1) if /\Gtrue/gc;
        return Sioemit::Decoder::boolean(0) if /\Gfalse/gc;
    }
    refuse('unreadable', 'no value starts here');
}

sub text {
    my ($self) = @_;
    my $text = '';
    for ($self->{in}) {
        while (1) {
            if (/\G([^"\\\x00-\x1f]+)/gc) {
                $self->spend(length $1);
                $text .= Sioemit::Decoder::characters($1);
            }
            last if /\G"/gc;
            $text .=
                  /\G\\([btnfr"\\\/])/gc                                               ? $ESCAPE{$1}
                : /\G\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/gc ? _pair(hex $1, hex $2)
                : /\G\\u[dD][89a-fA-F][0-9a-fA-F]{2}/gc                                ? "\x{FFFD}"
                : /\G\\u([0-9a-fA-F]{4})/gc                                            ? chr hex $1
                :   refuse('unreadable', 'a string is broken');
        }
    }
    $self->spend(Sioemit::Decoder::TEXT_COST);
    return $text;
}

sub _pair {
    my ($high, $low) = @_;
    return chr 0x10000 + ($high - 0xD800 << 10) + $low - 0xDC00;
}

sub array {
    my ($self, $depth) = @_;
    $self->open_level($depth);
    $self->spend(Sioemit::Decoder::ARRAY_COST);
    my @array;
    return \@array if $self->{in} =~ /\G[ \t\r\n]*\]/gc;
    do { push @array, scalar $self->value($depth + 1) } while $self->_more(']');
    return \@array;
}

# object turns {"type":"Buffer","data":[...]}, which JSON.stringify makes of binary, back into it.
sub object {
    my ($self, $depth) = @_;
    $self->open_level($depth);
    $self->spend(Sioemit::Decoder::OBJECT_COST);
    my %object;
    return \%object if $self->{in} =~ /\G[ \t\r\n]*\}/gc;
    do {
        $self->{in} =~ /\G[ \t\r\n]*"/gc or refuse('unreadable', 'a key is no text');
        my $key = $self->text;
        $self->{in} =~ /\G[ \t\r\n]*:/gc or refuse('unreadable', 'a key has no value');
        $self->spend(Sioemit::Decoder::MEMBER_COST);
        $object{$key} = $self->value($depth + 1);
    } while $self->_more('}');
    return _buffer(\%object) // \%object;
}

# _more reads what stands behind a member: a comma, or the end.
sub _more {
    my ($self, $end) = @_;
    return 1 if $self->{in} =~ /\G[ \t\r\n]*,/gc;
    return 0 if $self->{in} =~ /\G[ \t\r\n]*\Q$end\E/gc;
    refuse('unreadable', 'neither a comma nor the end');
}

sub _buffer {
    my ($object) = @_;
    my ($type, $data) = @$object{qw(type data)};
    return if keys %$object != 2 || ref $data ne 'ARRAY' || !defined $type || ref $type || $type ne 'Buffer';
    for (@$data) {
        return if !defined || ref || !Sioemit::Encoder::is_number($_) || $_ != int || $_ < 0 || $_ > 255;
    }
    return Sioemit::Binary->new(pack 'C*', @$data);
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Decoder::JSON - an answer in JSON

=head1 METHODS

=head2 value

=head2 end

=head2 text

=head2 array

=head2 object

=cut
