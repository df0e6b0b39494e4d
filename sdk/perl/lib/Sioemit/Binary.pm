package Sioemit::Binary;

use strict;
use warnings;

use Sioemit::Error qw(refuse);

sub new {
    my ($class, $bytes) = @_;
    refuse('unencodable', 'bin() takes bytes, not undef or a reference') if !defined $bytes || ref $bytes;
    utf8::downgrade($bytes, 1)
        or refuse('unencodable', 'bin() takes bytes, and this text has characters above 255: encode it first');
    return bless \$bytes, $class;
}

sub bytes { return ${ $_[0] } }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Binary - bytes that arrive as binary

=head1 SYNOPSIS

    use Sioemit qw(bin);

    $io->emit('photo', bin($bytes));

=head1 DESCRIPTION

A Perl string does not say whether it holds text or bytes. What C<bin> of L<Sioemit> returns does.

=head1 METHODS

=head2 new

Takes bytes. Dies with a L<Sioemit::Error> for a string with characters above 255, which has none.

=head2 bytes

Returns them.

=cut
