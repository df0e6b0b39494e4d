package Sioemit::Incomplete;

use strict;
use warnings;

use parent 'Sioemit::Error';

sub new {
    my ($class, $call, $partial, %missing) = @_;
    my $message = "$call: $missing{servers} of $missing{asked} servers answered";
    $message .= ", and $missing{clients} of $missing{expected} clients" if $missing{expected};
    $message .= "; $missing{unread} more could not be read"             if $missing{unread};
    $message .= "; servers answer it with $missing{needs}"              if $missing{needs};
    my $self = $class->SUPER::new('incomplete', "$message: time ran out");
    return bless { %$self, %missing, call => $call, partial => $partial }, $class;
}

sub call     { return $_[0]{call} }
sub partial  { return $_[0]{partial} }
sub servers  { return $_[0]{servers} }
sub asked    { return $_[0]{asked} }
sub clients  { return $_[0]{clients} }
sub expected { return $_[0]{expected} }
sub unread   { return $_[0]{unread} }
sub needs    { return $_[0]{needs} }

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Incomplete - not everyone has answered in time

=head1 SYNOPSIS

    my $acks = eval { $io->timeout(2)->emit_with_ack('ready?') };
    if (my $error = $@) {
        die $error if !ref $error || $error->reason ne 'incomplete';
        printf "%d of %d clients answered in time\n", $error->clients, $error->expected;
        $acks = $error->partial;
    }

=head1 DESCRIPTION

A L<Sioemit::Error> whose reason is C<incomplete>.

=head1 METHODS

=head2 new

=head2 partial

Returns what came: what the call returns, as a reference, and from C<confirm> a number.

=head2 call

Returns the name of the method.

=head2 servers, asked

Return how many servers answered, and how many were asked.

=head2 clients, expected

Return how many clients acknowledged the event, and how many the servers that answered sent it to. Of C<emit_with_ack>
only.

=head2 unread

Returns how many answers could not be read.

=head2 needs

Returns what a server needs to answer this call, when none did.

=cut
