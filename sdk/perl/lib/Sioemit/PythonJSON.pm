package Sioemit::PythonJSON;

use strict;
use warnings;
no warnings 'recursion';    # it is bounded by MAX_LEVELS

use parent 'Sioemit::JSON';

use Sioemit::Encoder ();

# Python gives up at 1,000 calls that are open at once, and python-socketio has two for each level.
use constant MAX_LEVELS => 300;

sub array {
    my ($self, $array, $depth) = @_;
    Sioemit::Encoder::levels($array, $depth, MAX_LEVELS);
    return $self->SUPER::array($array, $depth);
}

sub object {
    my ($self, $hash, $depth) = @_;
    Sioemit::Encoder::levels($hash, $depth, MAX_LEVELS);
    return $self->SUPER::object($hash, $depth);
}

# binary is kept apart, with a placeholder where it was.
sub binary {
    my ($self, $bytes) = @_;
    my $kept = $self->{attachments} //= [];
    $self->{out} .= '{"_placeholder":true,"num":' . @$kept . '}';
    push @$kept, $bytes;
    return;
}

sub attachments { return $_[0]{attachments} // [] }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::PythonJSON - values as python-socketio reads them

=head1 DESCRIPTION

The writer of L<Sioemit::Encoder> for servers in Python, which read fewer levels than others, and binary beside the JSON.

=head1 METHODS

=head2 array

=head2 object

=head2 binary

=head2 attachments

Returns the binary values, in the order of their placeholders.

=cut
