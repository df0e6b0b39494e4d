package Sioemit::Decoder;

use strict;
use warnings;

use Encode   ();
use JSON::PP ();
use POSIX    qw(floor);

use Sioemit::Error qw(refuse);

# Servers nest no deeper: their own encoders end before.
use constant MAX_LEVELS => 1000;

# What Perl takes, in bytes. Real answers take up to 16 times their size, and made-up ones much more.
use constant {
    ALLOWANCE   => 64 * 2**20,
    TIMES_SIZE  => 16,
    SCALAR_COST => 32,
    TEXT_COST   => 48,
    ARRAY_COST  => 128,
    OBJECT_COST => 256,
    MEMBER_COST => 64,
};

sub new {
    my ($class, $bytes) = @_;
    return bless { in => $bytes, at => 0, budget => ALLOWANCE + TIMES_SIZE * length $bytes }, $class;
}

# decode returns the value that takes up all of the bytes, and dies when there is none.
sub decode {
    my ($class, $bytes) = @_;
    my $self  = $class->new($bytes);
    my $value = $self->value(0);
    $self->end;
    return $value;
}

sub spend {
    my ($self, $cost) = @_;
    $self->{budget} -= $cost;
    refuse('unreadable', 'it would take far more memory than its size justifies') if $self->{budget} < 0;
    return;
}

sub open_level {
    my ($self, $depth) = @_;
    refuse('unreadable', 'it is nested deeper than ' . MAX_LEVELS . ' levels') if $depth >= MAX_LEVELS;
    return;
}

# characters returns UTF-8 as text, in which U+FFFD stands for what is broken, as in JavaScript.
sub characters {
    my ($bytes) = @_;
    return $bytes =~ tr/\x00-\x7F//c ? Encode::decode('UTF-8', $bytes) : $bytes;
}

# finite returns a number, or undef where JSON has null instead.
sub finite {
    my ($number) = @_;
    return $number - $number == 0 ? $number : undef;
}

# date returns the text of a Date of so many milliseconds, or undef for one that JavaScript cannot have.
sub date {
    my ($milliseconds) = @_;
    return if abs $milliseconds > 8.64e15;
    my $seconds = floor($milliseconds / 1000);
    my ($second, $minute, $hour, $day, $month, $year) = gmtime $seconds;
    $year += 1900;
    return sprintf '%s-%02d-%02dT%02d:%02d:%02d.%03dZ',
        $year < 0 ? sprintf('-%06d', -$year) : $year > 9999 ? sprintf('+%06d', $year) : sprintf('%04d', $year),
        $month + 1, $day, $hour, $minute, $second, $milliseconds - 1000 * $seconds;
}

sub boolean { return $_[0] ? JSON::PP::true() : JSON::PP::false() }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Decoder - what an answer holds

=head1 DESCRIPTION

What L<Sioemit::Decoder::MessagePack> and L<Sioemit::Decoder::JSON> have in common. Answers may come from anyone who may
publish: depth and memory are bounded.

=head1 METHODS

=head2 new

=head2 decode

=head2 spend

=head2 open_level

=head1 FUNCTIONS

=head2 characters

=head2 finite

=head2 date

=head2 boolean

=cut
