package Sioemit::Error;

use strict;
use warnings;

use Exporter     qw(import);
use Scalar::Util qw(blessed);
use overload '""' => \&as_string, fallback => 1;

our @EXPORT_OK = qw(refuse tried valid_text);

# What stands between surrogates, and beyond Unicode, is nothing that UTF-8 can say.
my $BROKEN = qr/[\x{D800}-\x{DFFF}]|[^\x{0}-\x{10FFFF}]/;

sub new {
    my ($class, $reason, $message) = @_;
    return bless { reason => $reason, message => $message, place => _place() }, $class;
}

# _place returns the line of the program that called this distribution. Carp would name a line between two of its
# packages.
sub _place {
    my $depth = 0;
    while (my ($package, $file, $line) = caller $depth++) {
        return " at $file line $line.\n" if $package !~ /\ASioemit(?:::|\z)/;
    }
    return "\n";
}

# with_more returns the same error with more to say.
sub with_more {
    my ($self, $more) = @_;
    return bless { %$self, message => "$self->{message}; $more" }, ref $self;
}

sub reason { return $_[0]{reason} }

sub message { return $_[0]{message} }

sub as_string { return "$_[0]{message}$_[0]{place}" }

sub refuse {
    my ($reason, $message) = @_;
    die __PACKAGE__->new($reason, $message);
}

# tried returns the Sioemit::Error that a sub dies with, if any. What else it dies with gets out.
sub tried {
    my ($sub) = @_;
    return if eval { $sub->(); 1 };
    my $error = $@;
    die $error if !blessed $error || !$error->isa('Sioemit::Error');
    return $error;
}

sub valid_text {
    my ($text, $what) = @_;
    refuse('invalid-text', "the $what is undefined")             if !defined $text;
    refuse('invalid-text', "the $what is a reference, not text") if ref $text;
    if ($text =~ tr/\x00-\x7F//c) {
        refuse('invalid-text', "the $what is not valid Unicode, so no server can have it") if $text =~ $BROKEN;
    }
    utf8::encode($text = "$text");
    return $text;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Error - why a call was refused, or failed

=head1 SYNOPSIS

    use Scalar::Util qw(blessed);

    if (!eval { $io->to('')->emit('hello'); 1 }) {
        my $error = $@;
        die $error if !blessed $error || !$error->isa('Sioemit::Error');
        print $error->reason, "\n";    # empty-room
    }

=head1 DESCRIPTION

All that L<Sioemit> dies with is one of these. With every reason but C<redis>, C<incomplete>, C<unconfirmed>, C<subscription>
and C<maybe-asked>, nothing was sent.

=head1 METHODS

=head2 new

=head2 reason

Returns why, for programs: C<adapter-option>, C<binary-in-json>, C<empty-event>, C<empty-room>, C<except-room>,
C<invalid-text>, C<needs-version-4>, C<no-counterpart>, C<pipeline-ended>, C<pipelined>, C<reserved-event>, C<server-version>,
C<targeted>, C<timeout>, C<too-deep>, C<unencodable>, C<unread-stream>, or C<redis> for what the client says of Redis. Of calls
with replies also:

=over

=item no-servers

No server listens on the namespace. Nothing was sent.

=item incomplete

Not everyone has answered in time. The error is a L<Sioemit::Incomplete>, which has what came.

=item unconfirmed

Whether the servers have taken everything cannot be known. The error is a L<Sioemit::Unconfirmed>, which says why.

=item subscription

The connection for replies could not be made, or broke. The servers may have been asked.

=item maybe-asked

The connection broke while the question was on its way. It is not asked again, because the servers may have it.

=back

=head2 with_more

=head2 message

Returns why, for people. It never holds a password.

=head2 as_string

Returns the message, and the line of the program that made the call. An error that is used as a string becomes this.

=head1 FUNCTIONS

The other modules of this distribution use these.

=head2 refuse

=head2 tried

=head2 valid_text

=cut
