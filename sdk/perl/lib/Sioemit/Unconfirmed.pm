package Sioemit::Unconfirmed;

use strict;
use warnings;

use parent 'Sioemit::Error';

sub new {
    my ($class, $servers, $why) = @_;
    my $self =
        $class->SUPER::new('unconfirmed', "confirm: whether the servers have taken everything cannot be known: $why");
    return bless { %$self, servers => $servers }, $class;
}

sub servers { return $_[0]{servers} }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Unconfirmed - it is not certain that the servers have taken everything

=head1 SYNOPSIS

    my $servers = eval { $io->confirm };
    if (my $error = $@) {
        die $error if !ref $error || $error->reason ne 'unconfirmed';
        warn $error->message;
    }

=head1 DESCRIPTION

A L<Sioemit::Error> whose reason is C<unconfirmed>. The servers have answered, and something may be lost all the same: a
server's connection to Redis was cut, and may have come back without what was on its way; Redis was replaced; a stream
was trimmed before it was read; or Redis does not let this user look. The message says which. The next C<confirm> begins
anew.

=head1 METHODS

=head2 new

=head2 servers

Returns how many servers answered.

=cut
